"""What a repeat draws anew: trials, calls, the estimate before, and what may be said after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import promptlab
from promptlab.analysis.verdict import Speaker
from promptlab.basics.errors import ExperimentError
from promptlab.runs import RunReader, find_run

TESTS, TRAIN, REPEATS = 6, 20, 4
FEW_SHOT = "{technique: few_shot, demos: {count: 2, select: random}}"


class Bench:
    def __init__(self, folder: Path, provider: Any) -> None:
        self.folder, self.provider = folder, provider

    def write(self, *more: str, variants: str = f"[zero_shot, {FEW_SHOT}]") -> promptlab.Experiment:
        rows = [
            {"id": f"s{i}", "q": f"{i} + 1", "a": str(i + 1), "split": "test" if i < TESTS else "train"}
            for i in range(TESTS + TRAIN)
        ]
        (self.folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        path = self.folder / "exp.yaml"
        path.write_text(
            "name: varied\n"
            "dataset: {path: data.jsonl, target: a, id: id, split: split}\n"
            'task: {prompt: "What is {{ q }}?", answer: number}\n'
            f'models: [{{id: openai/fake-1, api_base: "{self.provider.url}/v1", api_key_env: VARY_KEY}}]\n'
            f"variants: {variants}\n" + "".join(f"{line}\n" for line in more)
        )
        return promptlab.load(path, home=self.folder / "home")

    def demos(self) -> dict[int, set[tuple[str, ...]]]:
        """The demos that the trials of each repeat were shown."""
        found: dict[int, set[tuple[str, ...]]] = {}
        with RunReader(find_run(self.folder / "home", "varied")) as reader:
            query = """SELECT trials.repeat, trials.notes FROM trials JOIN cells ON cells.id = trials.cell
                WHERE cells.variant = 'few_shot' AND cells.position IS NOT NULL"""
            for repeat, notes in reader.connection.execute(query):
                found.setdefault(repeat, set()).add(tuple(json.loads(notes)["demos"]))
        return found


@pytest.fixture
def bench(tmp_path: Path, fake_provider: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("VARY_KEY", "sk-vary")
    return Bench(tmp_path, fake_provider)


def test_each_repeat_has_its_own_demos_and_the_verdict_no_longer_holds_for_one_set(bench: Bench) -> None:
    once = bench.write(f"repeats: {REPEATS}")
    assert once.run().sent_calls == 2 * TESTS * REPEATS
    compared = once.comparison()
    assert "with this demo set" in Speaker(compared).verdict(compared.pairs[0])
    assert {len(sets) for sets in bench.demos().values()} == {1}
    assert len(set.union(*bench.demos().values())) == 1

    varied = bench.write(f"repeats: {REPEATS}", "vary: [completion, demos]")
    expected = varied.estimate().calls
    sent = varied.run().sent_calls
    assert sent == TESTS * (REPEATS - 1)  # the first repeat asks as before, and zero_shot has no demos
    assert (expected.low, expected.high) == (sent, sent)
    assert varied.run().sent_calls == 0
    assert varied.estimate().calls.high == 0
    sets = bench.demos()
    assert {len(each) for each in sets.values()} == {1}  # all samples of a repeat see the same demos
    assert len(set.union(*sets.values())) == REPEATS
    compared = varied.comparison()
    assert "demo set" not in Speaker(compared).verdict(compared.pairs[0])
    spread = compared.to_json()["cells"][1]["scores"]["numeric"]
    assert spread["repeat_min"] <= spread["mean"] <= spread["repeat_max"]


def test_an_order_that_varies_keeps_the_demo_set_and_says_so(bench: Bench) -> None:
    varied = bench.write(f"repeats: {REPEATS}", "vary: [completion, order]")
    varied.run()
    sets = bench.demos()
    assert len({tuple(sorted(each)) for one in sets.values() for each in one}) == 1
    assert len(set.union(*sets.values())) == 2
    compared = varied.comparison()
    assert "with this demo set" in Speaker(compared).verdict(compared.pairs[0])


def test_demos_that_a_technique_shows_by_itself_are_reordered_too(bench: Bench) -> None:
    inner = "{technique: self_consistency, samples: 1, inner: chain_of_thought}"
    varied = bench.write(
        f"repeats: {REPEATS}", "vary: [order]", variants=f"[zero_shot, chain_of_thought, {inner}]"
    )
    assert varied.run().sent_calls == TESTS * (1 + 2 * REPEATS)


def test_without_completions_a_repeat_asks_only_what_its_demos_change(bench: Bench) -> None:
    varied = bench.write(f"repeats: {REPEATS}", "vary: [demos]")
    expected = varied.estimate().calls
    result = varied.run()
    assert result.sent_calls == TESTS + TESTS * REPEATS
    assert (expected.low, expected.high) == (result.sent_calls, result.sent_calls)
    assert [cell.result.n for cell in varied.comparison().cells] == [TESTS * REPEATS] * 2


@pytest.mark.parametrize(
    ("lines", "variants", "told"),
    [
        (["vary: [demos]"], f"[{FEW_SHOT}]", "one repeat"),
        (["repeats: 3", "vary: [demos]"], "[{technique: few_shot, demos: 2}]", "no variant draws its demos"),
        (["repeats: 3", "vary: [order]"], "[{technique: few_shot, demos: 1}]", "no variant shows several"),
        (["repeats: 3", "vary: [demos]"], "[chain_of_thought]", "no variant draws its demos"),
        (["repeats: 3", "vary: [order]"], "[least_to_most]", "no variant shows several"),
        (["repeats: 3", "vary: [demos, demos]"], f"[{FEW_SHOT}]", "twice"),
        (["repeats: 3", "vary: [optimizer_seed]"], f"[{FEW_SHOT}]", "not built yet"),
        (["repeats: 3", "vary: [demo]"], f"[{FEW_SHOT}]", "demo"),
        (["repeats: 3", "vary: []"], f"[{FEW_SHOT}]", "vary"),
    ],
)
def test_what_cannot_be_drawn_anew_is_refused_at_its_line(
    bench: Bench, lines: list[str], variants: str, told: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        bench.write(*lines, variants=variants).estimate()
    assert told in str(caught.value)
    assert caught.value.line is not None
