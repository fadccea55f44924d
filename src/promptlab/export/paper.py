"""What a paper needs besides its tables: the prompts as they were sent, and how it was done."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from promptlab.analysis import Comparison, compare_run, words
from promptlab.basics.json_text import json_text
from promptlab.export.bibliography import bibtex
from promptlab.export.judges import judges_said
from promptlab.export.latex import escaped
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.artifacts import kept_prompts

__all__ = ["ExamplePrompt", "bibtex", "example_prompts", "methods", "prompts"]

_FIRST = """SELECT trials.id AS trial, samples.sample FROM trials JOIN samples ON samples.id = trials.sample
    WHERE trials.cell = ? AND trials.status != 'error' AND samples.position IS NOT NULL
    ORDER BY samples.position, trials.repeat LIMIT 1"""


@dataclass(frozen=True)
class ExamplePrompt:
    """A variant's conversation with one model over one sample, and the templates it was made from."""

    title: str
    model: str
    sample: str
    technique: str
    settings: Mapping[str, Any]
    template: Sequence[tuple[str, str]]
    instruction: str
    calls: Sequence[Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        calls = [
            {"name": call["name"], "sampling": _sampling(call["sampling"]), "messages": call["messages"]}
            for call in self.calls
        ]
        return {"title": f"{self.title}: sample {self.sample}, {self.model}", "calls": calls}


def example_prompts(reader: RunReader) -> list[ExamplePrompt]:
    """For each variant and data set its first finished trial; for each model where these are asked otherwise.

    Two models are asked alike where the first call of the trial on the same sample has the same messages.
    """
    cells = reader.cells()
    several = len({row["dataset"] for row in cells}) > 1
    groups: dict[tuple[str, str], list[tuple[str, str, Any, list[dict[str, Any]]]]] = {}
    for row in cells:
        first = reader.connection.execute(_FIRST, (row["id"],)).fetchone()
        if first is None:
            continue
        calls = list(reader.calls(first["trial"]))
        group = groups.setdefault((row["variant"], row["dataset"]), [])
        told = [(each[1], each[3][0]["messages"]) for each in group if each[3]]
        if calls and (first["sample"], calls[0]["messages"]) in told:
            continue
        group.append((row["model"], first["sample"], orjson.loads(row["spec"])["variant"], calls))
    return [
        ExamplePrompt(
            title=f"{variant}{f' on {dataset}' if several else ''}{f' ({model})' if len(group) > 1 else ''}",
            model=model,
            sample=sample,
            technique=spec["technique"],
            settings=spec["settings"],
            template=[(role, text) for role, text in spec["messages"]],
            instruction=spec.get("instruction") or "",
            calls=calls,
        )
        for (variant, dataset), group in groups.items()
        for model, sample, spec, calls in group
    ]


def prompts(run: RunDirectory, *, tex: bool) -> tuple[str, str]:
    """An appendix with the exact prompts of every variant, as Markdown or LaTeX; and what it holds."""
    with RunReader(run) as reader:
        found = example_prompts(reader)
    write = _Latex() if tex else _Markdown()
    lines = [write.head("Prompts", 1)]
    for each in found:
        lines.append(write.head(each.title, 2))
        lines.append(write.said(f"Technique {each.technique}, settings {json_text(dict(each.settings))}."))
        lines.append(write.head("Template", 3))
        lines += [write.block(role, text) for role, text in each.template]
        if each.instruction:
            lines.append(write.block("answer instruction", each.instruction))
        lines.append(write.head(f"As sent to {each.model} for sample {each.sample}", 3))
        for call in each.calls:
            lines.append(write.said(f"Call {call['name']}, {_sampling(call['sampling'])}:"))
            lines += [write.block(each["role"], str(each["content"])) for each in call["messages"]]
    return "\n".join(lines), f"the prompts of {words.count(len(found))} variants"


class _Markdown:
    def head(self, text: str, level: int) -> str:
        return f"{'#' * level} {_md(text)}\n"

    def said(self, text: str) -> str:
        return f"{_md(text)}\n"

    def block(self, role: str, text: str) -> str:
        longest = max((len(run) for run in re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{_md(role)}:\n\n{fence}text\n{text}\n{fence}\n"


class _Latex:
    def head(self, text: str, level: int) -> str:
        return f"\\{('section', 'subsection', 'paragraph')[level - 1]}{{{escaped(text)}}}"

    def said(self, text: str) -> str:
        return f"{escaped(text)}\n"

    def block(self, role: str, text: str) -> str:
        """Every line and every space of the prompt, in typewriter; nothing in it is a command."""
        lines = [self._line(line) for line in text.split("\n")]
        return (
            f"\\noindent\\textit{{{escaped(role)}}}\n\\begin{{quote}}\\ttfamily\\raggedright\n"
            + "\\\\\n".join(lines)
            + "\n\\end{quote}\n"
        )

    @staticmethod
    def _line(text: str) -> str:
        """LaTeX skips spaces at a line's ends and after others, and would curl an apostrophe."""
        kept = re.sub("^ | $| {2,}", lambda spaces: "\\ " * len(spaces[0]), escaped(text))
        return kept.replace("'", "\\textquotesingle{}") or "\\mbox{}"


def _md(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _sampling(values: Mapping[str, Any]) -> str:
    told = [
        f"{name} {value if isinstance(value, (int, float)) else json_text(value)}"
        for name, value in values.items()
    ]
    return ", ".join(told) or "the provider's defaults"


# ---- how it was done


def methods(run: RunDirectory, ending: str) -> tuple[str, str]:
    """A paragraph on data, models as the provider named them, dates, sampling, seeds, scores and tests.

    Says only what the run's files hold; what they do not (why these models) is left to the author.
    """
    comparison, manifest = compare_run(run), run.manifest()
    with RunReader(run) as reader:
        sentences = [
            *_compared(comparison, manifest),
            *_asked(reader, manifest),
            *_searched(run, comparison),
            *_graded(comparison),
            *_tested(comparison, manifest),
        ]
    text = " ".join(sentences)
    if pending := sum(cell.result.pending for cell in comparison.cells):
        text = f"Preliminary: {words.count(pending)} trials are pending. {text}"
    spelled = escaped(text) if ending == ".tex" else _md(text) if ending == ".md" else text
    return f"{spelled}\n", "a methods paragraph"


def _compared(comparison: Comparison, manifest: Mapping[str, Any]) -> Iterator[str]:
    from promptlab.analysis.exposure import extensions
    from promptlab.export.footing import tried_said

    variants = list(dict.fromkeys(cell.result.variant for cell in comparison.cells))
    models = list(dict.fromkeys(cell.result.model for cell in comparison.cells))
    yield (
        f"We compared {_counted(len(variants), 'prompt variant')} ({_all(variants)}) with "
        f"{_counted(len(models), 'model')}."
    )
    for name, facts in manifest["datasets"].items():
        sizes = [
            cell.result.planned // manifest["repeats"]
            for cell in comparison.cells
            if cell.result.dataset == name
        ]
        told = f"On {name}, every cell has n = {words.count(max(sizes, default=0))} test samples"
        train = facts["sizes"].get("train", 0)
        if train:
            told += f" (train split: {words.count(train)})"
        yield f"{told}; SHA-256 of the data: {facts['hash'][:12]}."
        for note in facts["notes"]:
            yield f"{name}: {note.rstrip('.')}."
    repeats = manifest["repeats"]
    if repeats > 1:
        anew = words.redrawn(comparison.vary)
        yield (
            f"Every sample was asked {repeats} times, each time with {anew} drawn anew; scores are averaged "
            "per sample first."
        )
    once = sorted({cell.result.drawn_once for cell in comparison.cells if cell.result.drawn_once})
    if once:
        yield f"Results hold with this {words.listed(once)}, which was drawn once."
    yield from tried_said(comparison)
    yield from (f"The run was {each}." for each in extensions(manifest))
    if errors := sum(cell.result.errors for cell in comparison.cells):
        yield f"Missing, since the provider failed: {_counted(errors, 'trial')}."


_RETURNED = """SELECT calls.model AS returned, calls.sampling AS sampling, count(*) AS calls,
        sum(calls.cached) AS cached, min(calls.created) AS since, max(calls.created) AS until
    FROM calls JOIN trials ON trials.id = calls.trial JOIN cells ON cells.id = trials.cell
    JOIN samples ON samples.id = trials.sample
    WHERE cells.model = ? AND cells.position IS NOT NULL AND samples.position IS NOT NULL
        AND calls.error IS NULL
    GROUP BY calls.model, calls.sampling ORDER BY calls.model, calls.sampling"""


def _asked(reader: RunReader, manifest: Mapping[str, Any]) -> Iterator[str]:
    for name, facts in manifest["models"].items():
        rows = reader.connection.execute(_RETURNED, (name,)).fetchall()
        if not rows:
            yield f"{name} ({facts['id']}) has not answered yet."
            continue
        returned = list(dict.fromkeys(str(row["returned"]) for row in rows if row["returned"]))
        sampling = list(dict.fromkeys(_sampling(orjson.loads(row["sampling"])) for row in rows))
        dates = [at for row in rows for at in (row["since"], row["until"]) if at is not None]
        told = f"{name}" if name == facts["id"] else f"{name} (requested as {facts['id']})"
        told += f", named {_all(returned)} by the provider," if returned else ""
        told += f" answered {_counted(sum(row['calls'] for row in rows), 'call')}"
        if dates:
            since, until = (time.strftime("%Y-%m-%d", time.gmtime(at)) for at in (min(dates), max(dates)))
            told += f" on {since}" if since == until else f" between {since} and {until}"
            told += " (UTC)"
        yield f"{told}, with {' or '.join(sampling)}."
    yield f"All draws of promptlab (splits, demos, resampling) use seed {manifest['seed']}."


def _searched(run: RunDirectory, comparison: Comparison) -> Iterator[str]:
    """Of each prompt that was optimized: by what, on which rows, at what cost, and how it was chosen."""
    for found, each in zip(comparison.optimizations, kept_prompts(run), strict=True):
        budget = f" of at most {words.count(found.budget_calls)} per model" if found.budget_calls else ""
        cost = "at an unknown cost" if found.cost_usd is None else f"for {words.usd(found.cost_usd)}"
        told = (
            f"The prompt of {found.cell.variant} for {found.cell.model} on {found.cell.dataset} was optimized"
        )
        if each.artifact is not None:
            provenance = each.artifact["provenance"]
            data, metric = provenance["data"], provenance["metric"]["scorer"]
            told += (
                f" for {metric} on {words.count(data['train_rows'])} train and "
                f"{words.count(data['dev_rows'])} dev rows (seed {provenance['seed']}, prompts written by "
                f"{provenance['prompt_model']})"
            )
        yield (
            f"{told}, with {_counted(found.calls, 'call')}{budget}, {cost}; its dev score went from "
            f"{words.number(found.dev_before)} to {words.number(found.dev)}, which is selected and so "
            "optimistic."
        )


def _graded(comparison: Comparison) -> Iterator[str]:
    if not comparison.primary:
        return
    scorers = list(comparison.family.scorers)
    if comparison.family.primary:
        rest = [name for name in scorers if name != comparison.primary]
        beside = f"; {_all(rest)} stand{'' if len(rest) > 1 else 's'} beside it" if rest else ""
        yield f"The primary score is {comparison.primary}{beside}."
    else:
        yield f"Scores: {_all(scorers)}."
    yield from judges_said(comparison.judges)
    failed = {
        kind: sum(getattr(cell.result, kind) for cell in comparison.cells)
        for kind in ("unparsed", "refused", "truncated", "sandbox")
    }
    told = ", ".join(f"{words.count(number)} {kind}" for kind, number in failed.items() if number)
    yield f"Replies without an answer score 0{f' ({told})' if told else ' (there were none)'}."


def _tested(comparison: Comparison, manifest: Mapping[str, Any]) -> Iterator[str]:
    from promptlab.export.footing import INTERVALS, TESTS

    intervals = list(
        dict.fromkeys(
            INTERVALS[score.interval.method]
            for cell in comparison.cells
            for score in cell.scores.values()
            if score.interval
        )
    )
    if intervals:
        yield f"Intervals cover 95 % ({_all(intervals)})."
    found = [pair for pair in comparison.pairs if pair.in_family and pair.found]
    tests = list(dict.fromkeys(TESTS[pair.found.test] for pair in found if pair.found))
    if tests:
        against = f" against {comparison.family.baseline}" if comparison.family.baseline else ""
        size = max(comparison.family_sizes.values())
        corrected = (
            f"p-values are corrected by Holm's procedure over {size} comparisons"
            f"{'' if comparison.family.primary else ' for each score'}"
            if size > 1
            else "there is one comparison, and nothing to correct"
        )
        yield f"Differences{against} are paired by sample and tested by {_all(tests)}; {corrected}."
    git = f", experiment at git revision {manifest['git']}" if manifest.get("git") else ""
    yield f"Run {comparison.run} was made with promptlab {manifest['promptlab']}{git}."


def _counted(count: int, what: str) -> str:
    return f"{words.count(count)} {what}{'' if count == 1 else 's'}"


def _all(names: Sequence[str]) -> str:
    return words.listed(list(names), most=len(names)) if names else "none"
