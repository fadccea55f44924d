"""The experiments that ship with promptlab: valid, and the demo's data is where the demo looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptlab.experiment import make_plan

FOLDER = Path(__file__).resolve().parents[2] / "experiments"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_experiment_is_valid_and_needs_no_key(path: Path, tmp_path: Path) -> None:
    with make_plan(path, tmp_path) as plan:
        plan.check_keys()
        assert {cell.model.transport for cell in plan.cells} == {"local"}


def test_the_quickstart_compares_four_ways_on_at_least_forty_balanced_samples(tmp_path: Path) -> None:
    with make_plan(FOLDER / "quickstart.yaml", tmp_path) as plan:
        assert len(plan.cells) == 4
        dataset = plan.datasets[0]
        assert dataset.sizes["test"] >= 40
        labels = [sample.targets[0] for sample in dataset.samples("test")]
        assert {labels.count(label) for label in set(labels)} == {len(labels) // len(set(labels))}


def test_no_test_item_of_the_shipped_data_stands_in_train(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.yaml"):
        with make_plan(path, tmp_path) as plan:
            for dataset in plan.datasets:
                train = {sample.content for sample in dataset.samples("train")}
                assert not any(sample.content in train for sample in dataset.samples("test"))
