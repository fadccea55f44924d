"""The Python face: load an experiment, run it, compare. The command line and the browser use the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from promptlab.analysis import Comparison, compare_run
from promptlab.basics.errors import UsageError
from promptlab.basics.home import find_home, open_home
from promptlab.experiment import Plan, make_plan
from promptlab.export import breakdown_rows, cell_rows, pair_rows
from promptlab.runs import Progress, find_run, latest_run

if TYPE_CHECKING:
    import pandas as pd

    from promptlab.runs import Estimate, RunResult
    from promptlab.runs.events import Listen
    from promptlab.runs.score import ScoreResult

Table = Literal["cells", "pairs", "breakdown", "trials"]


def load(path: str | os.PathLike[str], *, home: Path | None = None) -> Experiment:
    """The experiment in that file, checked as far as the file and its data allow. Calls nothing.

    `home` overrides PROMPTLAB_HOME. Raises ExperimentError for whatever is wrong.
    """
    return Experiment(Path(path), home)


class Experiment:
    """One experiment file, ready to run. Works in scripts, notebooks and inside a running event loop."""

    def __init__(self, path: Path, home: Path | None = None) -> None:
        self.path = path
        self.home = home or open_home()
        with self._plan() as plan:
            self.name = plan.spec.name
        self._limit: int | None = None

    def run(
        self,
        *,
        limit: int | None = None,
        variants: Sequence[str] = (),
        models: Sequence[str] = (),
        fresh: bool = False,
        use_cache: bool = True,
        tell: Callable[[str], None] = lambda message: None,
        watch: Callable[[Progress], None] | None = None,
        approve: Callable[[Estimate], None] | None = None,
        listen: Listen | None = None,
    ) -> RunResult:
        """Runs what is missing and returns what was done. `limit`, `variants` and `models` are filters.

        `listen` gets every event of the run as a mapping (`promptlab.runs.events`). `approve` is asked before
        more than `limits.confirm_usd` is spent; it raises UsageError to refuse.
        Raises UsageError before the first call for a missing key, StorageError where the disk fails. A
        budget that is reached or trials that end in errors are no exception: see `RunResult.status`.
        """
        from promptlab.runs import Options, execute

        with self._plan() as plan:
            plan.select(limit=limit, variants=variants, models=models)
            self._limit = limit
            return execute(
                plan,
                self.home,
                Options(fresh, use_cache),
                tell=tell,
                watch=watch,
                approve=approve,
                listen=listen,
            )

    def estimate(
        self,
        *,
        limit: int | None = None,
        variants: Sequence[str] = (),
        models: Sequence[str] = (),
        fresh: bool = False,
        use_cache: bool = True,
    ) -> Estimate:
        """What `run` with the same arguments would send and cost now. Calls nothing."""
        from promptlab.runs import estimate

        with self._plan() as plan:
            plan.select(limit=limit, variants=variants, models=models)
            return estimate(plan, self.home, fresh=fresh, use_cache=use_cache)

    def comparison(self) -> Comparison:
        """The comparison over the latest run, as far as it has come. Calls nothing."""
        run = latest_run(self.home, self.name)
        if run is None:
            raise UsageError(f"{self.name} has not been run yet.", remedy="Call run() first.")
        return compare_run(run, limit=self._limit)

    def to_frame(self, what: Table = "cells") -> pd.DataFrame:
        """The latest run's cells, pairs, breakdown or trials as a table, one row each."""
        import pandas as pd

        if what == "trials":
            from promptlab.runs import RunReader

            with RunReader(find_run(self.home, self.name)) as reader:
                return pd.DataFrame(list(reader.trials()))
        rows = {"cells": cell_rows, "pairs": pair_rows, "breakdown": breakdown_rows}[what]
        return pd.DataFrame(list(rows(self.comparison())))

    def _plan(self) -> Plan:
        return make_plan(self.path, self.home)


def stored(run: str, *, home: Path | None = None) -> Comparison:
    """The comparison of a stored run, by id, unique prefix, path or experiment name. Calls nothing."""
    return compare_run(find_run(home or find_home(), run))


def score(
    run: str,
    *scorers: str,
    human: Path | None = None,
    use_cache: bool = True,
    home: Path | None = None,
    approve: Callable[[Estimate], None] | None = None,
) -> ScoreResult:
    """Adds scores to a stored run, as `promptlab score` does; the candidates are not asked again.

    Each of `scorers` is `NAME`, `NAME:key=value,…` or a YAML mapping; `human` a file of people's labels.
    """
    from promptlab.runs.score import score as score_run

    home = home or find_home()
    return score_run(find_run(home, run), home, scorers, human=human, use_cache=use_cache, approve=approve)
