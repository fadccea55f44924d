"""The estimate against what the run then sends, uses and costs, at a provider on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import promptlab
from promptlab.runs import Estimate, Span

SAMPLES = 20
EXPERIMENT = """\
name: money
dataset: {{path: data.jsonl, target: answer, id: id, split: split}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}
models:
  - {{id: openai/fake-1, name: fake, api_base: "{base}", api_key_env: MONEY_KEY{model}}}
variants:
{variants}
repeats: {repeats}
"""
VARIANTS = (
    "zero_shot",
    "{technique: few_shot, demos: 2}",
    "zero_shot_cot",
    "{technique: zero_shot_cot, calls: 1}",
)
PRICE = (
    ", max_tokens: 40, price: {input: 1000, output: 4000, request: 0.001, date: 2026-11-01, source: a list}"
)


class Bench:
    """One experiment file at the provider."""

    def __init__(self, folder: Path, provider: Any) -> None:
        self.folder = folder
        self.provider = provider
        self.path = folder / "exp.yaml"

    def write(
        self, *variants: str, repeats: int = 1, model: str = PRICE, more: str = "", samples: int = SAMPLES
    ) -> promptlab.Experiment:
        rows = [
            {
                "id": f"s{i}",
                "q": f"{i} + {i + 1}",
                "answer": str(2 * i + 1),
                "split": "test" if i < samples else "train",
            }
            for i in range(samples + 5)
        ]
        (self.folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        text = EXPERIMENT.format(
            base=f"{self.provider.url}/v1",
            model=model,
            variants="\n".join(f"  - {each}" for each in variants or VARIANTS),
            repeats=repeats,
        )
        self.path.write_text(text + more)
        return promptlab.load(self.path, home=self.folder / "home")


@pytest.fixture
def bench(tmp_path: Path, fake_provider: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("MONEY_KEY", "sk-money")
    return Bench(tmp_path, fake_provider)


def within(value: float, span: Span) -> bool:
    return span.low <= value <= span.high


@pytest.mark.parametrize("repeats", [1, 3])
def test_the_estimate_holds_against_what_the_run_sends_uses_and_costs(bench: Bench, repeats: int) -> None:
    experiment = bench.write(repeats=repeats)
    before = experiment.estimate()
    assert bench.provider.requests == 0
    result = experiment.run()
    assert (
        before.calls == Span.exactly(result.sent_calls) == Span.exactly(SAMPLES * repeats * (1 + 1 + 2 + 1))
    )
    assert bench.provider.requests == result.sent_calls
    for cell, ran in zip(before.cells, experiment.comparison().cells, strict=True):
        used = ran.result
        assert cell.calls == Span.exactly(used.calls - used.cached_calls)
        assert used.prompt_tokens is not None
        assert used.completion_tokens is not None
        assert used.cost_usd is not None
        assert cell.cost_usd is not None
        assert within(used.prompt_tokens + used.completion_tokens, cell.tokens)
        assert within(used.cost_usd, cell.cost_usd)
    after = experiment.estimate()
    assert (after.calls, after.tokens, after.cost_usd) == (Span(), Span(), Span())
    assert {cell.missing for cell in after.cells} == {0}


def test_what_the_cache_holds_is_not_to_be_paid_again(bench: Bench) -> None:
    experiment = bench.write()
    experiment.run(limit=12)
    fresh = experiment.estimate(fresh=True)
    assert {cell.missing for cell in fresh.cells} == {SAMPLES}
    assert fresh.calls == Span.exactly(8 * 5)
    assert experiment.estimate(fresh=True, use_cache=False).calls == Span.exactly(SAMPLES * 5)
    assert experiment.run(fresh=True).sent_calls == 8 * 5


def test_the_second_call_of_a_half_cached_trial_is_looked_up_too(bench: Bench) -> None:
    bench.write("zero_shot_cot").run()
    # The other wording changes the second call alone.
    experiment = bench.write("{technique: zero_shot_cot, render: single}")
    assert experiment.estimate().calls == Span.exactly(SAMPLES)
    assert experiment.run().sent_calls == SAMPLES


def test_equal_requests_of_two_variants_are_counted_once(bench: Bench) -> None:
    experiment = bench.write("zero_shot", "{name: twin, technique: few_shot, demos: 0}")
    assert experiment.estimate().calls == Span.exactly(SAMPLES)
    assert experiment.run().sent_calls == SAMPLES


def test_filters_and_finished_trials_leave_only_what_is_missing(bench: Bench) -> None:
    experiment = bench.write()
    experiment.run(limit=5)
    assert experiment.estimate(limit=5).calls == Span()
    assert experiment.estimate(limit=8).calls == Span.exactly(3 * 5)
    assert experiment.estimate(limit=8, variants=["zero_shot"]).calls == Span.exactly(3)


def test_rows_that_moved_in_the_file_are_still_known_as_finished(bench: Bench) -> None:
    bench.write("zero_shot").run()
    experiment = bench.write("zero_shot")
    rows = (bench.folder / "data.jsonl").read_text().splitlines(keepends=True)
    (bench.folder / "data.jsonl").write_text("".join(reversed(rows)))
    assert experiment.estimate().calls == Span()


def test_once_a_cell_has_answered_its_usual_lengths_are_expected(bench: Bench) -> None:
    experiment = bench.write("zero_shot")
    guessed = experiment.estimate(variants=["zero_shot"]).tokens.expected
    experiment.run(limit=10)
    used = experiment.comparison().cells[0].result
    assert used.prompt_tokens is not None
    assert used.completion_tokens is not None
    known = experiment.estimate().tokens.expected
    assert known == pytest.approx(used.prompt_tokens + used.completion_tokens, rel=0.2)
    assert abs(guessed / 2 - known) > abs(used.prompt_tokens + used.completion_tokens - known)


def test_a_large_cell_is_sampled_and_said_to_be(bench: Bench) -> None:
    experiment = bench.write("zero_shot", "zero_shot_cot", samples=400)
    found = experiment.estimate()
    assert found.sampled
    assert found.calls == Span.exactly(pytest.approx(1200))
    assert {cell.missing for cell in found.cells} == {400}
    assert found.to_json()["calls"] == {"low": 1200, "expected": 1200, "high": 1200}


def test_an_unknown_price_leaves_the_sum_unknown_and_says_what_is_known(bench: Bench) -> None:
    known = "name: known, api_base: 'http://127.0.0.1:9/v1', price: {input: 1, output: 1}"
    other = f"}}\n  - {{id: openai/fake-2, {known}"
    experiment = bench.write("zero_shot", model=other)
    found = experiment.estimate()
    assert found.cost_usd is None
    assert found.unknown_cells == 1
    assert found.known_usd.expected > 0
    assert found.cells[0].why_unknown == "the price of fake is unknown"
    shown = found.to_json()
    assert shown["cost_usd"] is None
    assert [cell["cost_usd"] is None for cell in shown["cells"]] == [True, False]


def test_a_currency_without_a_rate_is_unknown_and_with_one_it_is_converted(bench: Bench) -> None:
    price = ", max_tokens: 5, price: {input: 0, output: 0, request: 2.0, currency: cny}"
    assert bench.write("zero_shot", model=price).estimate().cost_usd is None
    experiment = bench.write("zero_shot", model=price, more="limits: {rates: {cny: {usd: 0.5}}}\n")
    assert experiment.estimate().cost_usd == Span.exactly(pytest.approx(SAMPLES))
    experiment.run()
    assert experiment.comparison().cells[0].result.cost_usd == pytest.approx(SAMPLES)


def test_prompts_beyond_the_reach_of_a_price_are_unknown(bench: Bench) -> None:
    price = ", price: {input: 1, output: 1, up_to_prompt_tokens: 3}"
    found: Estimate = bench.write("zero_shot", model=price).estimate()
    assert found.cost_usd is None
    assert "beyond 3 tokens" in found.cells[0].why_unknown


def test_a_technique_that_cannot_go_on_with_a_placeholder_counts_as_it_planned(bench: Bench) -> None:
    (bench.folder / "mine.py").write_text(
        "from promptlab.techniques import Answer, Calls, Technique\n"
        "class Mine(Technique):\n"
        "    def planned_calls(self, task):\n"
        "        return Calls(2, 3.0, 5)\n"
        "    async def solve(self, question, ctx):\n"
        "        number = int((await ctx.ask(ctx.prompt(question), name='plan')).text)\n"
        "        return Answer(await ctx.ask(ctx.prompt(question)))\n"
    )
    found = bench.write("{name: mine, technique: 'mine.py:Mine'}").estimate()
    assert found.calls == Span(SAMPLES, 3 * SAMPLES, 5 * SAMPLES)


def test_a_model_on_this_machine_costs_nothing(bench: Bench) -> None:
    (bench.folder / "script.yaml").write_text("- {default: '1'}\n")
    experiment = bench.write("zero_shot")
    bench.path.write_text(bench.path.read_text().replace("models:\n", "models:\n  - scripted/script.yaml\n"))
    found = experiment.estimate(models=["scripted/script.yaml"])
    assert found.cost_usd == Span()
    assert found.calls == Span.exactly(SAMPLES)


def test_an_estimate_makes_no_run(bench: Bench) -> None:
    experiment = bench.write()
    experiment.estimate()
    assert not (bench.folder / "home" / "runs").exists()
