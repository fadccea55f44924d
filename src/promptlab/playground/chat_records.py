"""What is kept of a conversation, as plain values for a line of JSON, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from promptlab.datasets import AnswerType, Question
from promptlab.models import Completion, Image, Message, ToolCall, Usage
from promptlab.models.call_record import CallRecord
from promptlab.playground.answering import Answering
from promptlab.playground.candidates import Candidate, ModelChoice, build_technique
from promptlab.playground.prompt import Prompt
from promptlab.playground.rows import RowSource

Row = Mapping[str, Any]
_REPLY = {each.name: each.default for each in fields(Completion)}


def of_message(message: Message) -> dict[str, Any]:
    content: Any = message.content
    if not isinstance(content, str):
        content = [part if isinstance(part, str) else {"url": part.url} for part in content]
    row: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        row["tool_calls"] = [asdict(each) for each in message.tool_calls]
    if message.tool_call_id is not None:
        row["tool_call_id"] = message.tool_call_id
    return row


def message_of(row: Row) -> Message:
    content = row["content"]
    if not isinstance(content, str):
        content = tuple(part if isinstance(part, str) else Image(part["url"]) for part in content)
    tools = tuple(ToolCall(**each) for each in row.get("tool_calls", ()))
    return Message(row["role"], content, tools, row.get("tool_call_id"))


def of_answer(answer: Answering) -> dict[str, Any]:
    """An answer that has ended, with every call. Log probabilities stay in the cache."""
    return {
        "state": answer.state,
        "text": answer.text,
        "value": answer.value,
        "error": answer.error,
        "calls": [_of_call(each) for each in answer.calls],
    }


def answer_of(row: Row) -> Answering:
    calls = [_call_of(each) for each in row["calls"]]
    return Answering.kept(row["state"], row["text"], calls, value=row["value"], error=row["error"])


def _of_call(call: CallRecord) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": call.name,
        "messages": [of_message(each) for each in call.messages],
        "sampling": dict(call.sampling),
        "error": call.error,
    }
    if (reply := call.completion) is not None:
        known = {name: getattr(reply, name) for name in _REPLY if name != "logprobs"}
        row["reply"] = {name: value for name, value in known.items() if value != _REPLY[name]}
        row["reply"]["usage"] = asdict(reply.usage)
        row["reply"]["tool_calls"] = [asdict(each) for each in reply.tool_calls]
    return row


def _call_of(row: Row) -> CallRecord:
    call = CallRecord(
        row["name"], tuple(map(message_of, row["messages"])), row["sampling"], error=row["error"]
    )
    if (reply := row.get("reply")) is not None:
        known = {name: value for name, value in reply.items() if name in _REPLY}
        known["usage"] = Usage(**reply["usage"])
        known["tool_calls"] = tuple(ToolCall(**each) for each in reply["tool_calls"])
        known["left_out"] = tuple(reply.get("left_out", ()))
        call.completion = Completion(**known)
    return call


def of_candidate(candidate: Candidate) -> dict[str, Any]:
    """Headers are left out: they may hold a login."""
    entry = {name: value for name, value in candidate.choice.entry.items() if name != "headers"}
    return {
        "label": candidate.choice.label,
        "entry": entry,
        "sampling": dict(candidate.model.sampling),
        "technique": candidate.technique.registered_name,
        "settings": dict(candidate.settings),
    }


def candidate_of(row: Row, *, allow_code: bool) -> Candidate:
    """UsageError where the model or the technique is no longer to be had."""
    choice = ModelChoice(row["label"], row["entry"])
    technique = build_technique(row["technique"], row["settings"], allow_code=allow_code)
    return Candidate(choice.model(row["sampling"]), technique, choice, row["settings"])


def of_prompt(prompt: Prompt) -> dict[str, Any]:
    return {**asdict(prompt), "answer": prompt.answer.value}


def prompt_of(row: Row) -> Prompt:
    return Prompt(**{**row, "answer": AnswerType(row["answer"]), "labels": tuple(row["labels"])})


def of_question(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "inputs": dict(question.inputs),
        "choices": list(question.choices),
        "metadata": dict(question.metadata),
    }


def question_of(row: Row) -> Question:
    return Question(row["id"], row["inputs"], tuple(row["choices"]), row["metadata"])


def of_rows(source: RowSource) -> dict[str, Any]:
    """What opens the data set again; not the experiment that it was found in."""
    return {
        "label": source.label,
        "entry": dict(source.entry),
        "folder": str(source.folder),
        "seed": source.seed,
    }


def rows_of(row: Row) -> RowSource:
    return RowSource(row["label"], row["entry"], Path(row["folder"]), row["seed"])
