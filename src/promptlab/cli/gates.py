"""The gates of an experiment file: opened before anything is sent, judged and told afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptlab.basics.errors import ExperimentError, UsageError

if TYPE_CHECKING:
    from promptlab.analysis import Comparison
    from promptlab.analysis.baseline import Baseline
    from promptlab.analysis.gates import GateResult
    from promptlab.experiment.gates import GateSpec
    from promptlab.runs import RunDirectory


@dataclass(frozen=True)
class Gates:
    """What a file asks for, with its baselines read."""

    specs: tuple[GateSpec, ...]
    baselines: dict[str, Baseline]

    def judged(self, shown: Comparison, run: RunDirectory) -> list[GateResult]:
        if not self.specs:
            return []
        from promptlab.analysis.gates import judge

        return judge(shown, self.specs, run, self.baselines)


def open_gates(path: Path) -> Gates:
    """The gates of that file. ExperimentError at the gate whose baseline cannot be used."""
    from promptlab.experiment import load_spec

    loaded = load_spec(path)
    baselines: dict[str, Baseline] = {}
    for index, gate in enumerate(loaded.spec.gates):
        wanted = gate.no_worse_than
        if wanted is not None and wanted not in baselines:
            try:
                baselines[wanted] = _baseline(wanted, loaded.folder)
            except ExperimentError:
                raise
            except UsageError as error:
                raise loaded.error(
                    ("gates", index, "no_worse_than"), error.message.rstrip("."), remedy=error.remedy
                ) from error
    return Gates(tuple(loaded.spec.gates), baselines)


def _baseline(wanted: str, folder: Path) -> Baseline:
    from promptlab.analysis.baseline import baseline_of, read_baseline

    if wanted.endswith(".json"):
        return read_baseline(folder / wanted)
    from promptlab.basics.home import find_home
    from promptlab.runs import find_run

    return baseline_of(find_run(find_home(), wanted))


def tell(results: Sequence[GateResult]) -> None:
    """On stderr: how many are met, and each that is not with its reason."""
    from promptlab.export import plain

    if not results:
        return
    met = sum(each.passed for each in results)
    click.echo(f"promptlab: {met} of {len(results)} gates met", err=True)
    for each in results:
        if not each.passed:
            click.echo(plain(f"promptlab: not met: {each.name} ({each.reason})"), err=True)
