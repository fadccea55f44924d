"""Demo selection: the right rows, in the right order, never the question itself."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import DatasetSpec, Question, Sample, open_dataset
from promptlab.retrieval import DemoSelector, DemoSpec


def sample(number: int, text: str = "", target: str | None = None) -> Sample:
    return Sample(
        f"s{number}", {"q": text or f"question {number}"}, target or str(number % 2), f"content {number}"
    )


TRAIN = [sample(number) for number in range(40)]
ASKED = Question("t1", {"q": "an entirely different question"})


def chosen(train: list[Sample], question: Question = ASKED, seed: int = 0, **spec: Any) -> list[str]:
    selector = DemoSelector(train, DemoSpec(**spec), seed)
    return [demo.id for demo in selector.select(question, random.Random(1))]


def test_fixed_are_the_first_or_the_named() -> None:
    assert chosen(TRAIN, count=3) == ["s0", "s1", "s2"]
    assert chosen(TRAIN, ids=["s7", "s3"]) == ["s7", "s3"]


def test_a_number_alone_is_the_count() -> None:
    assert DemoSpec.model_validate(3) == DemoSpec(count=3)


def test_random_is_drawn_once_per_cell() -> None:
    selector = DemoSelector(TRAIN, DemoSpec(select="random", count=5), 0)
    first = selector.select(ASKED, random.Random(1))
    assert selector.select(Question("t2", {"q": "another"}), random.Random(2)) == first
    assert len({demo.id for demo in first}) == 5
    assert chosen(TRAIN, select="random", count=5) == [demo.id for demo in first]
    assert chosen(TRAIN, select="random", count=5, seed=1) != [demo.id for demo in first]


def test_seed_of_the_spec_wins_over_the_cell() -> None:
    spec = {"select": "random", "count": 5}
    own = [DemoSelector(TRAIN, DemoSpec(**spec, seed=9), seed) for seed in (0, 1)]
    first, second = (selector.select(ASKED, random.Random(1)) for selector in own)
    assert first == second


def test_random_per_sample_is_drawn_from_the_trial() -> None:
    selector = DemoSelector(TRAIN, DemoSpec(select="random", count=5, per="sample"), 0)
    draws = [selector.select(ASKED, random.Random(trial)) for trial in (1, 2, 1)]
    assert draws[0] == draws[2] != draws[1]


@pytest.mark.parametrize("select", ["fixed", "random", "balanced", "bm25", "tfidf", "mmr"])
def test_the_question_itself_and_its_duplicates_are_never_demos(select: str) -> None:
    train = [sample(0), sample(1), sample(2, "question 0", "0"), sample(3), sample(4), sample(5)]
    spec = DemoSpec.model_validate({"select": select, "count": 4})
    selector = DemoSelector(train, spec, 0)
    demos = selector.select(train[0].question(), random.Random(1))
    assert {demo.id for demo in demos}.isdisjoint({"s0", "s2"})
    assert len(demos) == (3 if select == "balanced" else 4)  # only one row of label 0 is left
    assert len(selector.select(ASKED, random.Random(1))) == 4


def test_given_ids_are_left_out_where_they_are_the_question() -> None:
    assert chosen(TRAIN, TRAIN[3].question(), ids=["s7", "s3"]) == ["s7"]


def test_sameness_is_that_of_the_rendered_prompt() -> None:
    train = [Sample(f"s{n}", {"key": n, "q": "same" if n == 0 else f"q{n}"}, "a", str(n)) for n in range(3)]
    selector = DemoSelector(train, DemoSpec(count=2), 0, text=lambda question: str(question.inputs["q"]))
    demos = selector.select(Question("t", {"key": 99, "q": "same"}), random.Random(1))
    assert [demo.id for demo in demos] == ["s1", "s2"]


@pytest.mark.parametrize("select", ["bm25", "tfidf", "mmr"])
def test_similar_demos_come_first_and_order_turns_them(select: str) -> None:
    texts = [
        "rivers of France",
        "the plural of mouse",
        "a capital city",
        "the plural of scarf",
        "猫的复数是什么",
    ]
    train = [sample(number, text) for number, text in enumerate(texts)]
    question = Question("t", {"q": "the plural of wolf and scarf"})
    nearest = chosen(train, question, select=select, count=3)
    assert nearest[0] == "s3"
    assert chosen(train, question, select=select, count=3, order="nearest_last") == nearest[::-1]
    assert chosen(train, Question("t", {"q": "狗的复数"}), select=select, count=1) == ["s4"]


def test_mmr_prefers_what_is_unlike_the_demos_before() -> None:
    texts = [
        "the plural of the word wolf",
        "the plural of the word wolfs",
        "wolf is a grey animal",
        "nothing",
    ]
    train = [sample(number, text) for number, text in enumerate(texts)]
    question = Question("t", {"q": "what is the plural of the word wolf?"})
    assert set(chosen(train, question, select="tfidf", count=2)) == {"s0", "s1"}
    assert chosen(train, question, select="mmr", count=2, diversity=0.0) == chosen(
        train, question, select="tfidf", count=2
    )
    assert "s1" not in chosen(train, question, select="mmr", count=2, diversity=0.6)


@given(share=st.integers(1, 5), labels=st.integers(2, 4), seed=st.integers(0, 1000))
def test_balanced_gives_equal_label_counts(share: int, labels: int, seed: int) -> None:
    train = [sample(number, target=f"label {number % labels}") for number in range(30)]
    selector = DemoSelector(train, DemoSpec(select="balanced", count=share * labels), seed)
    counts = Counter(demo.target for demo in selector.select(ASKED, random.Random(1)))
    assert counts == {f"label {number}": share for number in range(labels)}


def test_shuffled_order_is_the_same_for_every_question() -> None:
    selector = DemoSelector(TRAIN, DemoSpec(count=8, order="shuffled"), 0)
    first = selector.select(ASKED, random.Random(1))
    assert selector.select(Question("t2", {"q": "another"}), random.Random(2)) == first
    assert sorted(demo.id for demo in first) == [f"s{n}" for n in range(8)]
    assert first != TRAIN[:8]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"count": 41}, "demos.count", "train has 40 rows"),
        ({"ids": ["s1", "test 1"]}, "demos.ids", "no row of that id"),
        ({"select": "balanced", "count": 5}, "demos.count", "Use a multiple of 2"),
    ],
)
def test_demos_that_train_cannot_give_are_refused_before_any_call(
    spec: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        DemoSelector(TRAIN, DemoSpec(**spec), 0)
    assert caught.value.field == field
    assert message in str(caught.value)


def test_balanced_needs_enough_rows_of_each_label() -> None:
    train = [sample(number, target="rare" if number == 0 else "common") for number in range(20)]
    with pytest.raises(ExperimentError, match="only 1 rows of 'rare'"):
        DemoSelector(train, DemoSpec(select="balanced", count=4), 0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"order": "nearest_last"}, "needs a similarity"),
        ({"select": "random", "ids": ["a"]}, "ids goes with select: fixed"),
        ({"count": 3, "ids": ["a"]}, "count is 3, but ids names 1"),
        ({"per": "sample"}, "per: sample goes with"),
        ({"diversity": 0.1}, "diversity goes with"),
        ({"select": "nearest"}, "Input should be"),
        ({"count": -1}, "greater than or equal to 0"),
    ],
)
def test_spec_that_makes_no_sense_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DemoSpec.model_validate(spec)


class Counted(list[Sample]):
    """A train split that counts how many rows were read."""

    reads = 0

    def __getitem__(self, position: Any) -> Any:
        self.reads += 1
        return super().__getitem__(position)


def test_random_reads_only_what_it_draws() -> None:
    train = Counted(sample(number) for number in range(100_000))
    selector = DemoSelector(train, DemoSpec(select="random", count=8), 0)
    for number in range(50):
        assert len(selector.select(Question("t", {"q": f"asked {number}"}), random.Random(1))) == 8
    assert train.reads == 8


def test_demos_of_an_opened_data_set(tmp_path: Path) -> None:
    rows = [{"key": f"k{n}", "q": f"question {n}", "a": str(n % 2)} for n in range(50)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = DatasetSpec(path="a.jsonl", id="key", target="a", split={"test": 30, "train": 20})
    with open_dataset(spec, folder=tmp_path, home=tmp_path / "home") as dataset:
        train = dataset.view("train")
        last = train[-1].id
        named = DemoSelector(train, DemoSpec(ids=[last]), 0)
        assert [demo.id for demo in named.select(dataset.first("test").question(), random.Random(1))] == [
            last
        ]
        for select in ("fixed", "random", "balanced", "bm25", "tfidf", "mmr"):
            selector = DemoSelector(train, DemoSpec.model_validate({"select": select, "count": 4}), 0)
            demos = selector.select(dataset.first("test").question(), random.Random(1))
            assert {demo.id for demo in demos} <= {each.id for each in train}
            assert len(demos) == 4
