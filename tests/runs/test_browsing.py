"""A run's answers, sample by sample: each filter, order, search and page says what the trials say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import promptlab
from promptlab.basics.errors import StorageError, UsageError
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.browsing import AnswerBrowser, Selection, Survey
from promptlab.runs.labels import judged_as, label_answer

EXPERIMENT = """\
name: browsed
dataset: {path: data.jsonl, target: a, id: id}
task: {prompt: "{{ q }}?", answer: yes_no}
models: [scripted/script.yaml]
variants:
  - {name: one, technique: zero_shot}
  - {name: other, technique: zero_shot, prompt: "OTHER {{ q }}?"}
scorers: [yes_no]
"""
# Sample 0: the other is wrong. 1: both right. 2: both unparsed. 3: the other says more words for the same.
SCRIPT = [
    {"contains": "OTHER q0", "reply": "no"},
    {"contains": "q2", "reply": "100%_of\\it"},
    {"contains": "OTHER q3", "reply": "After all that was said I would go for yes."},
    {"default": "yes"},
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("browsed")
    rows = [{"id": f"s{i}", "q": f"q{i} 苹果" if i == 1 else f"q{i}", "a": "yes"} for i in range(4)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.yaml").write_text(json.dumps(SCRIPT))
    (folder / "exp.yaml").write_text(EXPERIMENT)
    return promptlab.load(folder / "exp.yaml", home=folder / "home").run().run


@pytest.fixture
def reader(made: RunDirectory) -> Iterator[RunReader]:
    with RunReader(made) as opened:
        yield opened


def browsed(reader: RunReader, text: str = "") -> AnswerBrowser:
    one, other = (row["id"] for row in reader.cells())
    chosen = Selection((one, other), reader.scorers()["yes_no"], text, a=one, b=other)
    return AnswerBrowser(reader, Survey(reader.run, chosen))


def names(browser: AnswerBrowser, *how: str, **page: int) -> list[str]:
    return [each.sample for each in browser.page(*how, **page)]  # type: ignore[arg-type]


def test_each_filter_keeps_the_samples_of_which_an_answer_is_so(reader: RunReader) -> None:
    browser = browsed(reader)
    expected = {
        "all": ["s0", "s1", "s2", "s3"],
        "wrong": ["s0", "s2"],
        "right": ["s0", "s1", "s3"],
        "errors": [],
        "no_answer": ["s2"],
        "unparsed": ["s2"],
        "different": ["s0"],
        "flipped": ["s0"],
        "rated": [],
    }
    assert {keep: names(browser, keep) for keep in expected} == expected
    assert browser.counts() == {keep: len(found) for keep, found in expected.items()}


def test_pages_follow_one_another_in_the_asked_order(reader: RunReader) -> None:
    browser = browsed(reader)
    assert names(browser, "all", "worst") == ["s2", "s0", "s1", "s3"]
    assert names(browser, "all", "disputed")[0] == "s0"
    assert names(browser, "all", "tokens")[0] == "s3"
    assert names(browser, "all", "file", limit=2, offset=2) == ["s2", "s3"]
    assert names(browser, "all", "file", limit=2, offset=4) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("GO FOR", ["s3"]),
        ("苹果", ["s1"]),
        ("%_of\\", ["s2"]),
        ("%", ["s2"]),
        ("s1", ["s1"]),
        ("'; DROP TABLE trials --", []),
    ],
)
def test_a_search_is_of_replies_samples_and_ids_word_for_word(
    reader: RunReader, text: str, found: list[str]
) -> None:
    assert names(browsed(reader, text)) == found


def test_a_page_holds_every_trial_with_its_verdict_and_what_it_took(reader: RunReader) -> None:
    _, other = (row["id"] for row in reader.cells())
    sample = browsed(reader).page()[0]
    assert (sample.inputs, sample.target) == ("q0", "yes")
    (answer,) = sample.answers[other]
    assert (answer["status"], answer["answer"], answer["text"], answer["score"]) == ("ok", "no", "no", 0.0)
    assert (answer["completion_tokens"], answer["calls"]) == (1, 1)


def test_a_survey_serves_several_threads_and_a_later_reader(made: RunDirectory) -> None:
    with RunReader(made) as reader:
        one, other = (row["id"] for row in reader.cells())
        survey = Survey(made, Selection((one, other), reader.scorers()["yes_no"], a=one, b=other))

    def wrong(_: int) -> list[str]:
        with RunReader(made) as reader:
            return names(AnswerBrowser(reader, survey), "wrong")

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(wrong, range(20))) == [["s0", "s2"]] * 20


def test_a_damaged_store_is_named_in_one_line(made: RunDirectory, tmp_path: Path) -> None:
    broken = RunDirectory(tmp_path / "broken")
    broken.path.mkdir()
    whole = made.store.read_bytes()
    broken.store.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(StorageError, match="is damaged"):
        Survey(broken, Selection((1, 2), 1))


def test_a_persons_label_and_comment_are_kept_found_and_taken_back(made: RunDirectory) -> None:
    with RunReader(made) as reader:
        trial = browsed(reader).page("wrong")[0].answers[1][0]["trial"]
    label_answer(made, trial, "1", "不错 <b>", "workbench")
    with RunReader(made) as reader:
        assert names(browsed(reader), "rated") == ["s0"]
        found = reader.trial(trial)
        assert (found["label"], found["comment"]) == ("1", "不错 <b>")
    label_answer(made, trial, None, None, "workbench")
    with RunReader(made) as reader:
        assert names(browsed(reader), "rated") == []
    with pytest.raises(UsageError, match="no answer 999"):
        label_answer(made, 999, "1", None, "workbench")


def test_without_a_judge_a_label_is_1_or_0(made: RunDirectory) -> None:
    assert judged_as(made) == [("1", 1.0), ("0", 0.0)]
