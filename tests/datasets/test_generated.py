"""Generated data sets are exact, seeded and the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import Dataset, sources


def rows(name: str, **settings: object) -> list[dict[str, object]]:
    return [dict(row) for row in sources.get(name)(**settings).rows()]


def test_last_letters() -> None:
    for row in rows("last_letter", size=50, words=6):
        (phrase,) = re.findall(
            r'^Take the last letters of each words in "(.+)" and concatenate them\.$', str(row["question"])
        )
        assert len(set(phrase.split())) == 6
        assert row["answer"] == "".join(word[-1] for word in phrase.split())


def test_coin_is_heads_up_iff_the_flips_are_even() -> None:
    answers = []
    for row in rows("coin_flip", size=400):
        acts = re.findall(r"\w+ (flips|does not flip) the coin\.", str(row["question"]))
        assert len(acts) == 4
        assert row["answer"] == ("yes" if acts.count("flips") % 2 == 0 else "no")
        answers.append(row["answer"])
    assert 150 < answers.count("yes") < 250  # 6 standard deviations around 200: the bits are fair


def test_arithmetic_is_right() -> None:
    number = r"-?\d"
    group = rf"\({number}(?: [+*-] {number}){{3}}\)"
    for row in rows("arithmetic", size=500):
        expression = str(row["question"]).removesuffix(" =")
        assert re.fullmatch(rf"\({group} [+*-] {group}\)", expression)
        assert row["answer"] == str(eval(expression))


def test_scan_has_all_commands_and_the_length_split() -> None:
    made = rows("scan")
    assert len(made) == len({row["question"] for row in made}) == 20_910
    assert sum(row["split"] == "test" for row in made) == 3_920
    assert all((len(str(row["answer"]).split()) > 22) == (row["split"] == "test") for row in made)
    answers = {row["question"]: row["answer"] for row in made}
    assert answers["jump twice after turn opposite left"] == "I_TURN_LEFT I_TURN_LEFT I_JUMP I_JUMP"
    assert answers["look around right and walk"] == "I_TURN_RIGHT I_LOOK " * 4 + "I_WALK"
    plain = {row["question"]: row["answer"] for row in rows("scan", notation="plain")}
    assert plain["run left thrice"] == "TURN_LEFT RUN TURN_LEFT RUN TURN_LEFT RUN"


@pytest.mark.parametrize("name", ["last_letter", "coin_flip", "arithmetic"])
def test_drawn_rows_never_repeat_and_larger_sizes_begin_alike(name: str) -> None:
    large = rows(name, size=300)
    assert len({row["question"] for row in large}) == 300
    assert rows(name, size=100) == large[:100]
    assert rows(name, size=100, seed=1) != large[:100]


def test_rows_are_the_same_on_every_machine() -> None:
    assert rows("arithmetic", size=1) == [
        {"question": "((0 - 5 - 6 * 6) + (8 * 3 - -8 - -1)) =", "answer": "-8"}
    ]
    assert [row["question"] for row in rows("scan")][:1] == [
        "look opposite right twice after jump opposite left twice"
    ]


def test_size_that_cannot_be_is_refused() -> None:
    with pytest.raises(ExperimentError, match="cannot draw that many"):
        rows("coin_flip", people=1, size=10_000)


def test_generated_source_needs_nothing_but_its_name(opened: Callable[..., Dataset]) -> None:
    dataset = opened(generate="coin_flip", need_train=True)
    assert dict(dataset.sizes) == {"train": 100, "dev": 0, "test": 400}
    assert (dataset.name, dataset.columns, dataset.labels()) == ("coin_flip", ("question",), ["no", "yes"])


def test_names_the_source_has(opened: Callable[..., Dataset]) -> None:
    dataset = opened(generate="scan", split={"test": "test", "train": "train"})
    assert dict(dataset.sizes) == {"train": 16_990, "dev": 0, "test": 3_920}
    assert "split" not in dataset.columns


def test_own_source_from_a_file(folder, opened: Callable[..., Dataset]) -> None:  # type: ignore[no-untyped-def]
    (folder / "mine.py").write_text(
        "from promptlab.datasets import Source\n"
        "class Squares(Source):\n"
        "    upto: int = 3\n"
        "    def rows(self):\n"
        "        for n in range(self.upto):\n"
        "            yield {'question': f'{n}*{n}', 'answer': n * n}\n"
    )
    dataset = opened(generate={"source": "mine.py:Squares", "upto": 4})
    assert [sample.target for sample in dataset.samples("test")] == ["0", "1", "4", "9"]


@pytest.mark.parametrize(
    ("generate", "field", "message"),
    [
        ("last_leter", "generate", "Did you mean 'last_letter'?"),
        ({"source": "last_letter", "words": 13}, "generate.words", "less than or equal to 12"),
        ({"source": "scan", "size": 3}, "generate.size", "Settings: notation, seed"),
    ],
)
def test_wrong_source_or_setting_is_named(
    opened: Callable[..., Dataset], generate: object, field: str, message: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        opened(generate=generate)
    assert caught.value.field == field
    assert message in str(caught.value)
