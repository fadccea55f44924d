"""`compare RUN_A RUN_B …`, and what it says of single samples. RUN may be a bundle; nothing is called."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import UsageError

if TYPE_CHECKING:
    from promptlab.analysis import Comparison, LabelledRun
    from promptlab.analysis.families import CellName
    from promptlab.analysis.items import SampleNames
    from promptlab.runs import RunDirectory

BUNDLE = ".zip"


def are_stored(targets: Sequence[str]) -> bool:
    """Whether these arguments are for `compare_stored`: several stored runs, or a bundle."""
    files = [each for each in targets if Path(each).suffix in (".yaml", ".yml") or Path(each).is_file()]
    bundles = [each for each in targets if each.endswith(BUNDLE)]
    return set(files) <= set(bundles) and (len(targets) > 1 or bool(bundles))


def compare_stored(
    targets: Sequence[str],
    *,
    allow_changed_data: bool,
    flips: tuple[str, str] | None,
    as_json: bool,
    verbose: bool,
    variants: Sequence[str],
    models: Sequence[str],
) -> None:
    """Prints the comparison of stored runs and bundles."""
    from promptlab.analysis import compare_run, compare_runs
    from promptlab.analysis.items import sample_names

    with ExitStack() as stack:
        runs = _labelled(targets, stack)
        if len(runs) == 1:
            directory = runs[0].directory
            comparison: Comparison = compare_run(directory)
            names: SampleNames = sample_names(directory)
        else:
            across = compare_runs(runs, allow_changed_data=allow_changed_data)
            comparison, names = across, across.sample_names
            if not as_json:
                from promptlab.export.across import print_runs

                print_runs(across)
        shown = comparison.filtered(variants=_everywhere(variants, comparison, runs), models=models or None)
        _print(shown, lambda: names, runs, flips=flips, as_json=as_json, verbose=verbose, more={})


def print_shown(
    shown: Comparison,
    run: RunDirectory,
    *,
    flips: tuple[str, str] | None,
    as_json: bool,
    verbose: bool,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """The comparison of one run, with what `compare` adds to it; `more` goes into the JSON."""
    from promptlab.analysis import LabelledRun
    from promptlab.analysis.items import sample_names

    runs = [LabelledRun("", run)]
    _print(shown, lambda: sample_names(run), runs, flips=flips, as_json=as_json, verbose=verbose, more=more)


def _print(
    shown: Comparison,
    sample_names: Callable[[], SampleNames],
    runs: Sequence[LabelledRun],
    *,
    flips: tuple[str, str] | None,
    as_json: bool,
    verbose: bool,
    more: Mapping[str, Any],
) -> None:
    """The comparison, and with `--flips` or `--verbose` its samples; with `--json` all of it and `more`."""
    from promptlab.analysis.items import disputed, worst
    from promptlab.analysis.items import flips as flips_of

    names = sample_names() if flips or verbose or as_json else {}
    flipped = flips_of(shown, *flips, names) if flips else []
    if as_json:
        from promptlab.cli.rows import print_json

        print_json(
            {
                **comparison_json(shown, names),
                **({"flips": [each.to_json() for each in flipped]} if flips else {}),
                **more,
            }
        )
        return
    from promptlab.export import print_comparison
    from promptlab.export.samples import print_flips, print_items

    print_comparison(shown, pairs=verbose)
    if shown.judges:
        from promptlab.export.judges import print_judges

        print_judges(shown.judges)
    for each in flipped:
        print_flips(each, _answers(runs))
    if flips or verbose:
        print_items("The worst samples (mean over all cells)", worst(shown, names))
        print_items("The most disputed samples (spread between the cells)", disputed(shown, names))


def comparison_json(shown: Comparison, names: SampleNames) -> dict[str, Any]:
    """The object of `compare --json`: the comparison, its Pareto fronts, its worst and disputed samples."""
    from promptlab.analysis.items import disputed, worst
    from promptlab.analysis.pareto import pareto_fronts

    return {
        **shown.to_json(),
        "pareto": [each.to_json() for each in pareto_fronts(shown)],
        "samples": {
            "worst": [each.to_json() for each in worst(shown, names)],
            "disputed": [each.to_json() for each in disputed(shown, names)],
        },
    }


def _labelled(targets: Sequence[str], stack: ExitStack) -> list[LabelledRun]:
    """Bundles are named after their files, runs with letters; equal names get a number."""
    from promptlab.analysis import LabelledRun
    from promptlab.basics.home import find_home
    from promptlab.runs import find_run

    found: list[LabelledRun] = []
    for index, target in enumerate(targets):
        if target.endswith(BUNDLE):
            name, directory = Path(target).stem, _unpacked(Path(target), stack)
        else:
            name, directory = _letters(index), find_run(find_home(), target)
        taken = {each.label.lower() for each in found}
        names = (name, *(f"{name}-{number}" for number in range(2, len(found) + 2)))
        label = next(each for each in names if each.lower() not in taken)
        found.append(LabelledRun(label, directory))
    seen: dict[Path, str] = {}
    for target, run in zip(targets, found, strict=True):
        source = Path(target).resolve() if target.endswith(BUNDLE) else run.directory.path
        if source in seen:
            raise UsageError(f"{seen[source]} and {target} are the same run.")
        seen[source] = target
    return found


def _unpacked(path: Path, stack: ExitStack) -> RunDirectory:
    from promptlab.export.bundle import replay

    if not path.is_file():
        raise UsageError(f"there is no file {path}.")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="promptlab-"))
    return replay(path, Path(folder)).run


def _letters(index: int) -> str:
    name = ""
    while index >= 0:
        name = chr(ord("A") + index % 26) + name
        index = index // 26 - 1
    return name


def _everywhere(
    variants: Sequence[str], comparison: Comparison, runs: Sequence[LabelledRun]
) -> list[str] | None:
    """`--variant zero_shot` means that variant of every run, `zero_shot@B` that of one."""
    from promptlab.basics.registry import matching_names

    if len(runs) == 1 or not variants:
        return list(variants) or None
    shown = [cell.name.variant for cell in comparison.cells]
    without = {name: name.rpartition("@")[0] for name in shown}
    here = [each for each in variants if each in shown]
    meant = matching_names(
        [each for each in variants if each not in shown], without.values(), "there is no variant"
    )
    return [*here, *(name for name in shown if without[name] in meant)]


def _answers(runs: Sequence[LabelledRun]) -> Callable[[CellName, str], tuple[str, str]]:
    from promptlab.runs import RunReader

    def look_up(name: CellName, sample: str) -> tuple[str, str]:
        run, variant = _owner(name.variant, runs)
        with RunReader(run) as reader:
            rows = [
                row
                for row in reader.trials(sample=sample)
                if (row["variant"], row["model"]) == (variant, name.model)
            ]
        said = [str(row["answer"]) if row["status"] == "ok" else f"({row['status']})" for row in rows]
        return " / ".join(dict.fromkeys(said)) or "-", _known(rows[0]["target"] if rows else None)

    return look_up


def _owner(variant: str, runs: Sequence[LabelledRun]) -> tuple[RunDirectory, str]:
    if len(runs) == 1:
        return runs[0].directory, variant
    run = next(each for each in runs if variant.endswith(f"@{each.label}"))
    return run.directory, variant.removesuffix(f"@{run.label}")


def _known(target: Any) -> str:
    return "-" if target is None else str(target)
