"""What a run rests on, as BibTeX: its techniques, data sets, scorers, model weights and statistics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from promptlab.analysis import Comparison, compare_run
from promptlab.basics.errors import PromptlabError
from promptlab.runs import RunDirectory, RunReader

_ARXIV = re.compile(r"arXiv[ :]?(\d{4}\.\d{4,5})")
_CITED = re.compile(
    r"([A-Z][\w-]+) (?:et al\.|& [A-Z][\w-]+),? (\d{4})?[^()]{0,20}\(?arXiv[ :]?(\d{4}\.\d{4,5})"
)
# By the last part of a name in lower case, without what stands around it: `openai/gsm8k`, `bbh_word_sorting`.
_DATASETS = {
    "gsm8k": "cobbe2021gsm8k",
    "svamp": "patel2021svamp",
    "aqua": "ling2017aqua",
    "mgsm": "shi2023mgsm",
    "bbh": "suzgun2022bbh",
    "commonsenseqa": "talmor2019commonsenseqa",
    "commonsense_qa": "talmor2019commonsenseqa",
    "mmlu": "hendrycks2021mmlu",
    "squad": "rajpurkar2016squad",
    "drop": "dua2019drop",
    "humaneval": "chen2021codex",
    "mbpp": "austin2021mbpp",
    "scan": "lake2018scan",
    "last_letter": "wei2022chain",
    "coin_flip": "wei2022chain",
    "arithmetic": "suzgun2022bbh",
}
_SCORERS = {
    "squad_f1": ("rajpurkar2016squad",),
    "drop_f1": ("dua2019drop",),
    "code_tests": ("chen2021codex",),
    "g_eval": ("liu2023geval",),
    "bleu": ("papineni2002bleu", "post2018sacrebleu"),
    "chrf": ("popovic2015chrf", "post2018sacrebleu"),
    "ter": ("snover2006ter", "post2018sacrebleu"),
    "rouge": ("lin2004rouge",),
}
_OPTIMIZERS = {"mipro_v2": "opsahlong2024mipro", "gepa": "agrawal2025gepa"}
_MODELS = {"smollm2": "allal2025smollm2"}
_STATISTICS = {
    "wilson": ("wilson1927",),
    "cluster_t": ("miller2024errorbars",),
    "mcnemar_midp": ("fagerland2013mcnemar", "tango1998"),
}


def bibtex(run: RunDirectory) -> tuple[str, str]:
    """The sources of a run as BibTeX, each with a comment that says what it stands for; and how many.

    A technique's are the arXiv numbers in its docstring; one that is not in the list of entries here
    becomes an entry to complete. What has no known source is named in a comment, never left out silently.
    """
    used: dict[str, list[str]] = {}
    unknown: list[str] = []
    made: dict[str, str] = {}
    for what, keys, drafts in _sources(run):
        for key in keys:
            used.setdefault(key, []).append(what)
        made |= drafts
        if not keys:
            unknown.append(what)
    parts = [
        f"% {'; '.join(dict.fromkeys(reasons))}\n{made.get(key) or entries()[key]}"
        for key, reasons in used.items()
    ]
    parts += [f"% no source known: {_comment(what)}\n" for what in dict.fromkeys(unknown)]
    return "\n".join(parts), f"{len(used)} sources"


@cache
def entries() -> Mapping[str, str]:
    """The entries written for promptlab, by their key."""
    text = (files("promptlab.export") / "references.bib").read_text(encoding="utf-8")
    found = re.findall(r"^@\w+\{([^,]+),\n.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    whole = re.findall(r"^@.*?^\}\n", text, re.MULTILINE | re.DOTALL)
    return dict(zip(found, whole, strict=True))


@cache
def _by_arxiv() -> Mapping[str, str]:
    return {
        number[1]: key
        for key, entry in entries().items()
        if (number := re.search(r"eprint = \{([\d.]+)\}", entry))
    }


Source = tuple[str, list[str], dict[str, str]]  # what it stands for, keys, entries that are not in the list


def _sources(run: RunDirectory) -> Iterator[Source]:
    manifest = run.manifest()
    with RunReader(run) as reader:
        specs = [orjson.loads(row["spec"]) for row in reader.cells()]
        scorers = [
            orjson.loads(row["spec"])
            for row in reader.connection.execute("SELECT spec FROM scorers ORDER BY id").fetchall()
        ]
    used = (name for spec in specs for name in _techniques(spec["variant"]))
    for name in dict.fromkeys(used):
        yield _technique(name, run)
    used = (str(spec["variant"].get("settings", {}).get("optimizer")) for spec in specs)
    for name in dict.fromkeys(used):
        if name in _OPTIMIZERS:
            yield f"optimizer {name}", [_OPTIMIZERS[name]], {}
    for name in manifest["datasets"]:
        yield f"data set {_comment(name)}", list(dict.fromkeys(_named(_identities(run, name), _DATASETS))), {}
    for spec in scorers:
        text = orjson.dumps(spec).decode()
        for name, keys in _SCORERS.items():
            if re.search(rf'"{name}"', text):
                yield f"score {name}", list(keys), {}
    for name, facts in manifest["models"].items():
        if found := list(dict.fromkeys(_named([str(facts["id"])], _MODELS))):
            yield f"model {_comment(name)}", found, {}
    yield from _statistics(compare_run(run))


def _techniques(settings: Any) -> Iterator[str]:
    """A variant's technique and those inside it."""
    if isinstance(settings, Mapping):
        if "technique" in settings and "version" in settings:
            yield str(settings["technique"])
        for each in settings.values():
            yield from _techniques(each)
    elif isinstance(settings, list):
        for each in settings:
            yield from _techniques(each)


def _technique(name: str, run: RunDirectory) -> Source:
    from promptlab.techniques import techniques

    what = f"technique {_comment(name)}"
    try:
        text = techniques.get(name, folder=run.path).__doc__ or ""
    except PromptlabError:
        return what, [], {}  # a class of the experiment's folder, which the run does not keep
    keys, drafts = [], {}
    for number in dict.fromkeys(_ARXIV.findall(text)):
        key = _by_arxiv().get(number)
        if key is None:
            key = f"arxiv{number.replace('.', '-')}"
            drafts[key] = drafted(key, number, text)
        keys.append(key)
    return what, keys, drafts


def drafted(key: str, number: str, text: str) -> str:
    """An entry to complete, of what a docstring says of a source: `Wang et al. 2023 (arXiv 2203.11171)`."""
    cited = next((found for found in _CITED.findall(text) if found[2] == number), None)
    author = f"{cited[0]} and others" if cited else f"[authors of arXiv:{number}]"
    year = cited[1] if cited and cited[1] else f"20{number[:2]}"
    return (
        f"@misc{{{key},\n  author = {{{author}}},\n  title = {{[title of arXiv:{number}]}},\n"
        f"  year = {{{year}}},\n  eprint = {{{number}}},\n  archiveprefix = {{arXiv}},\n}}\n"
    )


def _identities(run: RunDirectory, name: str) -> list[str]:
    """The data set's name in the run, and what its experiment file calls its source."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from promptlab.runs.directory import EXPERIMENT

    try:
        spec: Any = YAML(typ="safe").load((run.path / EXPERIMENT).read_text(encoding="utf-8"))
    except (OSError, YAMLError):
        return [name]
    listed = spec.get("datasets") or [spec.get("dataset")]
    given = listed if isinstance(listed, list) else [listed]
    if len(given) > 1:  # which of them has that name, the run does not say: only the name is sure
        return [name]
    found = [name]
    for each in given:
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict):
            values = (each.get(key) for key in ("generate", "hub", "preset", "path"))
            found += [
                str(value.get("name", "")) if isinstance(value, dict) else Path(str(value)).stem
                for value in values
                if value
            ]
    return found


def _named(names: Iterable[str], known: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        for part, key in known.items():
            if f"_{part}_" in f"_{words}_":
                yield key


def _statistics(comparison: Comparison) -> Iterator[Source]:
    methods = {
        score.interval.method for cell in comparison.cells for score in cell.scores.values() if score.interval
    }
    tests = {pair.found.test for pair in comparison.pairs if pair.in_family and pair.found}
    for name in sorted({*methods, *tests} & _STATISTICS.keys()):
        yield f"statistics: {name}", list(_STATISTICS[name]), {}
    if any(size > 1 for size in comparison.family_sizes.values()):
        yield "statistics: Holm's correction", ["holm1979"], {}


def _comment(text: str) -> str:
    """On one line, and no entry of its own: BibTeX reads every @ outside an entry."""
    return " ".join(text.split()).replace("@", "(at)")
