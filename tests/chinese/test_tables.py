"""Every error and note that one can meet at the workbench stands in the tables, and each is told by its own.

The texts are read from the code of the rooms; what cannot reach a page, or is a part of a longer text that is
known as a whole, is named here with the reason.
"""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest
from texts_said import SOURCE, Said, said_in, samples_of

from promptlab.chinese.patterns import FIELD, NUMBERS, Pattern, read_tables
from promptlab.chinese.sentences import in_chinese, is_known

ROOMS = (
    "basics", "datasets", "experiment", "models", "optimizers", "playground", "retrieval", "runs", "sandbox",
    "scoring", "techniques", "analysis", "export/kept_samples.py", "export/pictures.py", "export/plots.py",
    "export/replacing.py", "export/workbook.py", "export/bundle/packing.py", "export/bundle/secrets.py",
)  # fmt: skip

# By file, or by file and the first words: why the text is on no page by itself.
OUTSIDE = {
    "experiment/starter/draft.py": "is written into an experiment file",
    "experiment/pieces.py:a block": "falls back to another way of editing",
    "experiment/splicing.py:the whole file is not one value": "falls back to another way of editing",
    "experiment/splicing.py:no list": "falls back to another way of editing",
    "experiment/splicing.py:the entry does not begin": "falls back to another way of editing",
    "analysis/headline.py": "the verdicts have Chinese sentences of their own (analysis/chinese.py)",
    "analysis/verdict.py": "the verdicts have Chinese sentences of their own (analysis/chinese.py)",
    "analysis/wording.py": "made of parts: known as a whole (test_sentences.py)",
    "analysis/exposure.py:7001; 7002 of them": "made of parts: known as a whole (test_sentences.py)",
    "analysis/optimizations.py": "made of parts: known as a whole (test_sentences.py)",
    "optimizers/splits.py": "made of parts: known as a whole (test_sentences.py)",
    "runs/judge_estimate.py:the price of 7001 7002": "made of parts: both gaps are known",
    "models/price_list.py:is ": "made of parts: known with its place",
    "models/facts.py": "names of abilities, which the page has in its own words",
    "models/price_file.py": "the name of a source",
    "models/keys.py:Secret(": "a repr",
    "models/transports/scripted.py:it": "of scripts that tests expect",
    "optimizers/search.py": "kept in a search's history, which is a table to download",
    "optimizers/dspy/search.py": "kept in a search's history, which is a table to download",
    "optimizers/dspy/program.py": "is written to a model",
    "optimizers/base.py:optimizer run": "a name",
    "playground/saving.py:# Written": "is written into an experiment file",
    "retrieval/demos.py:BM25": "kept in an artifact's settings",
    "retrieval/demos.py:cosine": "kept in an artifact's settings",
    "retrieval/demos.py:TF-IDF": "kept in an artifact's settings",
    "techniques/base.py:demo set": "a name",
    "techniques/compiling.py": "a line of the terminal's progress",
    "techniques/contrastive_cot.py": "is written to a model",
    "techniques/cues.py": "is written to a model",
    "techniques/least_to_most.py:The answer is": "is written to a model",
    "techniques/mind_map.py": "is written to a model",
    "techniques/plan_and_solve.py:Let's": "is written to a model",
    "techniques/program_aided.py:Write": "is written to a model",
    "techniques/tools.py": "is written to a model",
    "techniques/tree_of_thoughts.py:(none": "is written to a model",
    "scoring/judging/prompts.py": "is written to a model",
    "export/workbook.py:… [": "stands in a file",
}
# Their words are chosen one by one in the code.
FROM_CHOICES = {"beats none of {total} others", "{place}: per is {value}"}
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA)\b")


def excluded(said: Said) -> str | None:
    file = said.where.rpartition(":")[0]
    for place in OUTSIDE:
        name, _, words = place.partition(":")
        if name == file and said.sample.startswith(words):
            return place
    return None


def all_said() -> list[Said]:
    return [each for room in ROOMS for each in said_in(room) if not _SQL.search(each.sample)]


def filled(pattern: Pattern) -> tuple[str, str]:
    """Both sides with the fields filled."""
    numbers = enumerate(pattern.fields, start=9001)
    values = {name: str(number) if name in NUMBERS else f"xx{number}" for number, name in numbers}
    return tuple(
        FIELD.sub(lambda field: values[field[1]], text) for text in (pattern.english, pattern.chinese)
    )  # type: ignore[return-value]


@pytest.mark.parametrize("room", ROOMS)
def test_everything_that_a_room_says_is_known_in_chinese(room: str) -> None:
    unknown, lost = [], []
    for each in said_in(room):
        if _SQL.search(each.sample) or excluded(each):
            continue
        if not is_known(each.sample):
            unknown.append(f"{each.where}: {each.sample}")
        elif missing := [field for field in each.fields if field not in in_chinese(each.sample)]:
            lost.append(f"{each.where}: {each.sample} → {in_chinese(each.sample)} lacks {missing}")
    assert not unknown, "add these to src/promptlab/chinese/tables:\n" + "\n".join(unknown)
    assert not lost, "\n".join(lost)


def test_the_reading_of_the_code_finds_what_is_said() -> None:
    samples = {each.sample for each in all_said()}
    assert len(samples) > 600
    assert "there is no such file" in samples  # an error
    assert "near duplicates were looked for among the first 7001 of 7002 samples" in samples  # a note
    assert "Save it as UTF-8." in samples  # a remedy


def test_what_is_left_out_is_there_and_unknown() -> None:
    left_out = {excluded(each) for each in all_said() if not is_known(each.sample)}
    assert set(OUTSIDE) - left_out == set(), "these need no exclusion any more"


def test_what_a_chart_says_by_itself_is_known() -> None:
    said = []
    for file in ("export/score_plots.py", "export/trial_plots.py", "export/trend_plot.py"):
        for node in ast.walk(ast.parse((SOURCE / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                texts = [value for key, value in pairs if getattr(key, "value", "") == "hovertemplate"]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "bar_chart":
                texts = [node.args[2]]  # the axis
            else:
                texts = []
            said += [sample for text in texts for sample, _ in samples_of(text)]
    with_words = [each for each in said if re.search("[A-Za-z]{2}", re.sub(r"%\{[^}]*\}|<[^>]*>", "", each))]
    assert len(with_words) >= 6
    assert [each for each in with_words if not is_known(each)] == []


def test_no_sentence_stands_twice_in_the_tables() -> None:
    counts = Counter(FIELD.sub("{}", each.english) for each in read_tables())
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("table", sorted({each.table for each in read_tables()}))
def test_a_sentence_is_told_by_its_own_pattern_with_all_its_fields(table: str) -> None:
    for pattern in read_tables():
        if pattern.table == table:
            english, chinese = filled(pattern)
            names = [name for name, _ in FIELD.findall(pattern.chinese)]
            assert sorted(names) == sorted(pattern.fields), pattern.english
            told = in_chinese(english).replace(" ", "")  # a space parts Chinese from Latin letters
            assert told == chinese.replace(" ", ""), f"{pattern.english}: another pattern says it first"
            assert re.search("[\u4e00-\u9fff\uff00-\uffef]", chinese), pattern.chinese
            assert not pattern.english.endswith("."), pattern.english
            assert not pattern.chinese.endswith("。"), pattern.chinese


def test_what_the_tables_know_is_still_said_somewhere() -> None:
    pieces = "\n".join(_pieces())
    stale = []
    for pattern in read_tables():
        if pattern.table != "libraries.txt" and pattern.english not in FROM_CHOICES:
            words = max(FIELD.split(pattern.english)[::3], key=len).split()
            runs = [" ".join(words[start : start + 3]) for start in range(max(1, len(words) - 2))]
            if not any(run.strip(" ,;:.()") in pieces for run in runs):
                stale.append(f"{pattern.table}: {pattern.english}")
    assert stale == []


def _pieces() -> list[str]:
    """Every text in the code, f-strings piece by piece."""
    return [
        node.value
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
