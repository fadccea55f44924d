"""What stands above a cell's column, and in a cell: the verdict, the text, what it took, the thumbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from promptlab.analysis import CellResult, Comparison, words
from promptlab.analysis.verdict import Speaker
from promptlab.runs.browsing import SHOWN_CHARS, AnsweredSample
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.results.grid import Lines, Part, column, named, part, thumb

if TYPE_CHECKING:
    from promptlab.ui.results.answers import Cell

say = Texts(
    sample=("Sample", "样本"),
    target=("target: {target}", "标准答案：{target}"),
    no_target=("no target", "无标准答案"),
    right=("right", "答对"),
    wrong=("wrong", "答错"),
    score=("score {score}", "得分 {score}"),
    unscored=("no score", "未评分"),
    unparsed=("unparsed", "未能解析"),
    refused=("refused", "拒绝回答"),
    truncated=("truncated", "被截断"),
    sandbox=("stopped by the sandbox", "被沙箱终止"),
    error=("error", "出错"),
    passed=("{right:,} / {n:,} right", "答对 {right:,} / {n:,}"),
    mean=("mean {mean} {interval}", "均值 {mean} {interval}"),
    failures=("{n:,} without an answer", "{n:,} 次无答案"),
    errors=("{n:,} errors", "{n:,} 次出错"),
    tokens=("{prompt} + {reply} tokens", "{prompt} + {reply} token"),
    rate=("{n} tokens/s", "{n} token/秒"),
    calls=("{n} calls", "{n} 次调用"),
    cached=("cached", "缓存"),
    details=("Details", "详情"),
    no_trial=("not run yet", "尚未运行"),
    more=("{n:,} more characters", "另有 {n:,} 个字符"),
    up=("Good answer (press again to take it back)", "好（再按一次撤销）"),
    down=("Bad answer (press again to take it back)", "差（再按一次撤销）"),
    labelled=("rated {label}", "人工评分 {label}"),
    answer=("answer: {answer}", "答案：{answer}"),
)
_MOST_REPEATS = 3
_SHOWN_ANSWER = 120


def heads(compared: Comparison, dataset: str, shown: Sequence[Cell], scorer: str) -> list[dict[str, Any]]:
    """The columns: the samples', then one for each cell with its pass rate, interval, tokens and speed."""
    speaker = Speaker(compared)
    by_name = {(each.result.variant, each.result.model, each.result.dataset): each for each in compared.cells}
    several = len({cell.model for cell in shown}) > 1
    made = [named(say("sample"), width="15rem")]
    for cell in shown:
        lines = [[part(cell.variant)]]
        lines += [[part(cell.model, "small")]] if several else []
        summary = by_name.get((cell.variant, cell.model, dataset))
        score = summary.scores.get(scorer) if summary else None
        if score is not None and score.interval is not None:
            found = score.interval
            told = words.bounds(found.low, found.high, speaker.digits)
            mean = words.number(found.mean, speaker.digits)
            lines.append([part(say("mean", mean=mean, interval=told))])
        lines += _figures(summary.result if summary else None, scorer)
        made.append(column(*lines, width="18rem"))
    return made


def row(each: AnsweredSample, shown: Sequence[Cell], verdicts: Sequence[tuple[str, float]]) -> list[Lines]:
    """A sample's row."""
    target = say("no_target") if each.target is None else say("target", target=each.target)
    first: Lines = [
        [part(each.sample, "name", act=f"sample:{each.sample}")],
        [part(each.inputs, "text")],
        [part(target, "small")],
    ]
    return [first, *(_cell(each.sample, each.answers.get(cell.row, []), verdicts) for cell in shown)]


def verdict_part(answer: Mapping[str, Any]) -> Part:
    """How one trial ended, in a word."""
    status, score = answer["status"], answer["score"]
    if status != "ok":
        return part(say(status), "bad" if status == "error" else "warn")
    if score is None:
        return part(say("unscored"), "warn")
    if score >= 1:
        return part(say("right"), "good")
    return part(say("wrong") if score == 0 else say("score", score=words.number(score)), "bad")


def took(answer: Mapping[str, Any]) -> str:
    """Tokens and time of one trial."""
    facts = []
    prompt, reply, seconds = answer["prompt_tokens"], answer["completion_tokens"], answer["latency_s"]
    if prompt is not None and reply is not None:
        facts.append(say("tokens", prompt=words.count(prompt), reply=words.count(reply)))
    if seconds is not None:
        facts.append(words.seconds(seconds))
    if answer["calls"] > 1:
        facts.append(say("calls", n=answer["calls"]))
    if answer["calls"] and answer["cached_calls"] == answer["calls"]:
        facts.append(say("cached"))
    return " · ".join(facts)


def _figures(result: CellResult | None, scorer: str) -> Lines:
    """Right of all finished trials; tokens and seconds as means, and the speed of what was written."""
    if result is None or not result.n + result.errors:
        return [[part(say("no_trial"), "small")]]
    right = int((result.scores[scorer] >= 1).sum()) if scorer in result.scores else 0
    silent = int((~result.answered).sum())
    first = [part(say("passed", right=right, n=result.n), "small")]
    first += [part(say("failures", n=silent), "small")] if silent else []
    first += [part(say("errors", n=result.errors), "small")] if result.errors else []
    facts = []
    n, seconds = max(result.n, 1), result.latency_sum_s
    if result.prompt_tokens is not None and result.completion_tokens is not None:
        prompt, reply = (words.count(each / n) for each in (result.prompt_tokens, result.completion_tokens))
        facts.append(say("tokens", prompt=prompt, reply=reply))
    facts += [words.seconds(seconds / n)] if seconds is not None else []
    if seconds and result.completion_tokens:
        facts.append(say("rate", n=words.count(result.completion_tokens / seconds)))
    return [first, [part(" · ".join(facts), "small")]]


def _cell(sample: str, answers: Sequence[Mapping[str, Any]], verdicts: Sequence[tuple[str, float]]) -> Lines:
    lines: Lines = []
    for answer in answers[:_MOST_REPEATS]:
        lines += _answer(sample, answer, verdicts)
    for answer in answers[_MOST_REPEATS:]:
        lines.append(
            [verdict_part(answer), part(say("details"), "link", act=f"trial:{answer['trial']}:{sample}")]
        )
    return lines or [[part(say("no_trial"), "small")]]


def _answer(sample: str, answer: Mapping[str, Any], verdicts: Sequence[tuple[str, float]]) -> Lines:
    trial, text = answer["trial"], answer["text"]
    top = [verdict_part(answer)]
    if answer["answer"] is not None and answer["answer"] != text:
        top.append(part(say("answer", answer=answer["answer"][:_SHOWN_ANSWER]), "small"))
    lines: Lines = [top, [part(in_chosen(answer["error"]) if text is None else text, "text")]]
    if answer["chars"] and answer["chars"] > SHOWN_CHARS:
        lines.append([part(say("more", n=answer["chars"] - SHOWN_CHARS), "small")])
    bottom = [part(took(answer), "small"), part(say("details"), "link", act=f"trial:{trial}:{sample}")]
    if answer["status"] != "error":
        best, worst = verdicts[0][0], verdicts[-1][0]
        label = answer["label"]
        bottom.append(thumb(up=True, act=f"rate:{trial}:{best}", label=say("up"), pressed=label == best))
        bottom.append(thumb(up=False, act=f"rate:{trial}:{worst}", label=say("down"), pressed=label == worst))
        if label is not None and label not in (best, worst):
            bottom.append(part(say("labelled", label=label), "small"))
    lines.append(bottom)
    if answer["comment"]:
        lines.append([part(answer["comment"], "small")])
    return lines
