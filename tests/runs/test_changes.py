"""An experiment that changes runs what is new, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, sql, store_of, whole_table

SAMPLES = 12


class Changing:
    """An experiment whose parts can be changed one by one."""

    def __init__(self, folder: Path, provider: Any) -> None:
        self._command = RealCommand(folder, LOOP_KEY="sk-loop")
        self._provider = provider
        self.store = folder / ".promptlab"
        self.samples = SAMPLES
        self.models = [self.model("fake-1")]
        self.variants = ["zero_shot", "{name: mine, technique: zero_shot, prompt: 'Compute {{ q }}.'}"]
        self.more = ""

    def model(self, name: str) -> str:
        return model(name, self._provider.openai)

    def compare(self) -> tuple[dict[str, Any], int]:
        """The comparison, and how many requests the provider saw for it."""
        command = self._command
        command.write(self.samples, ", ".join(self.models), ", ".join(self.variants))
        path = command.folder / "exp.yaml"
        path.write_text(path.read_text() + self.more)
        before = self._provider.requests
        shown = command.compare()
        assert shown["status"] == "complete"
        asked = int(self._provider.requests - before)
        assert shown["sent_calls"] == asked
        # What is printed now is what a later look at the stored run prints.
        stored = json.loads(command.run("compare", "loop", "--json")[0])
        assert {**stored, "sent_calls": asked} == shown
        return shown, asked

    def stored_trials(self) -> int:
        return int(sql(store_of(self.store), "SELECT count(*) FROM trials")[0][0])


@pytest.fixture
def changing(tmp_path: Path, fake_provider: Any) -> Changing:
    changing = Changing(tmp_path, fake_provider)
    shown, asked = changing.compare()
    assert asked == 2 * SAMPLES
    assert [cell["n"] for cell in shown["cells"]] == [SAMPLES, SAMPLES]
    return changing


def names(shown: dict[str, Any], what: str = "variant") -> list[str]:
    return [cell[what] for cell in shown["cells"]]


def test_a_new_variant_runs_alone(changing: Changing) -> None:
    changing.variants.append("zero_shot_cot")
    shown, asked = changing.compare()
    assert asked == 2 * SAMPLES  # it asks twice for each sample
    assert names(shown) == ["zero_shot", "mine", "zero_shot_cot"]
    assert changing.compare()[1] == 0


def test_a_new_model_runs_alone(changing: Changing) -> None:
    changing.models.append(changing.model("fake-2"))
    shown, asked = changing.compare()
    assert asked == 2 * SAMPLES
    assert names(shown, "model") == ["fake-1", "fake-1", "fake-2", "fake-2"]


def test_new_samples_run_alone_and_fewer_run_nothing(changing: Changing) -> None:
    before = whole_table(changing.compare()[0])
    changing.samples += 7
    shown, asked = changing.compare()
    assert asked == 2 * 7
    assert [cell["n"] for cell in shown["cells"]] == [SAMPLES + 7] * 2
    changing.samples -= 7
    fewer, asked = changing.compare()
    assert asked == 0
    assert whole_table(fewer) == before
    assert changing.stored_trials() == 2 * (SAMPLES + 7)


def test_new_repeats_run_alone_and_fewer_run_nothing(changing: Changing) -> None:
    before = whole_table(changing.compare()[0])
    changing.more = "repeats: 3\n"
    shown, asked = changing.compare()
    assert asked == 2 * 2 * SAMPLES
    assert [cell["n"] for cell in shown["cells"]] == [3 * SAMPLES] * 2
    changing.more = ""
    fewer, asked = changing.compare()
    assert asked == 0
    assert whole_table(fewer) == before
    assert changing.stored_trials() == 2 * 3 * SAMPLES


def test_an_edited_prompt_reruns_its_own_cells_only(changing: Changing) -> None:
    before, _ = changing.compare()
    changing.variants[1] = changing.variants[1].replace("Compute", "Work out")
    shown, asked = changing.compare()
    assert asked == SAMPLES
    assert names(shown) == ["zero_shot", "mine"]
    assert shown["cells"][0] == before["cells"][0]
    assert changing.stored_trials() == 3 * SAMPLES
    changing.variants[1] = changing.variants[1].replace("Work out", "Compute")
    again, asked = changing.compare()
    assert asked == 0
    assert whole_table(again) == whole_table(before)


def test_what_is_no_longer_in_the_file_stays_stored_and_out_of_the_comparison(changing: Changing) -> None:
    before, _ = changing.compare()
    gone = changing.variants.pop()
    shown, asked = changing.compare()
    assert asked == 0
    assert names(shown) == ["zero_shot"]
    assert shown["pairs"] == []
    assert changing.stored_trials() == 2 * SAMPLES
    changing.variants.append(gone)
    again, asked = changing.compare()
    assert asked == 0
    assert whole_table(again) == whole_table(before)


def test_a_new_order_and_a_new_name_call_nothing(changing: Changing) -> None:
    changing.variants.reverse()
    changing.variants[0] = changing.variants[0].replace("mine", "my wording")
    shown, asked = changing.compare()
    assert asked == 0
    assert names(shown) == ["my wording", "zero_shot"]
