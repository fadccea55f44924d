"""`validate` and `schema`: what may stand in an experiment file, and whether this one does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from promptlab.basics.errors import ExitCode


@click.command()
@click.argument(
    "experiments", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EXP.yaml ..."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def validate(experiments: tuple[Path, ...], as_json: bool) -> int:
    """Check experiment files with their data, templates, techniques, scorers and keys. Calls nothing.

    Says what a matrix unfolds to. One file that is wrong does not keep the others from being checked.
    """
    from promptlab.cli.rows import print_json
    from promptlab.cli.several import exit_code, in_turn

    def work(target: str) -> tuple[dict[str, Any], int]:
        found = _checked(Path(target))
        if not as_json:
            _print(target, found)
        return found, ExitCode.DONE

    targets = list(dict.fromkeys(map(str, experiments)))
    outcomes = in_turn(targets, work, quiet=True)
    code = exit_code(outcomes)
    if as_json:
        entries = [{**each.to_json(), **(each.value or {})} for each in outcomes]
        print_json(entries[0] if len(entries) == 1 else {"exit_code": code, "experiments": entries})
    return code


def _checked(path: Path) -> dict[str, Any]:
    from promptlab.basics.home import open_home
    from promptlab.experiment import make_plan

    with make_plan(path, open_home()) as plan:
        plan.check_keys()
        plan.check_prices()
        plan.check_code()
        return {
            "experiment": plan.spec.name,
            "variants": list(dict.fromkeys(cell.variant.name for cell in plan.cells)),
            "models": list(dict.fromkeys(cell.model.name for cell in plan.cells)),
            "datasets": [dataset.name for dataset in plan.datasets],
            "cells": len(plan.cells),
            "trials": sum(plan.trials_in(cell) for cell in plan.cells),
            "unfolded": [asdict(each) for each in plan.loaded.unfolded],
            "notes": plan.notes,
        }


def _print(target: str, found: dict[str, Any]) -> None:
    for note in found["notes"]:
        click.echo(note, err=True)
    click.echo(f"{target}: fine: {found['cells']:,} cells, {found['trials']:,} trials")
    for each in found["unfolded"]:
        left_out = f" ({each['excluded']:,} excluded)" if each["excluded"] else ""
        click.echo(f"  {each['list']}, {each['stem']}: {len(each['names']):,} from the matrix{left_out}")
        for name in each["names"]:
            click.echo(f"    {name}")


@click.command()
def schema() -> None:
    """Print the JSON schema of the experiment file, for editors that complete and check YAML."""
    import orjson

    from promptlab.experiment.schema import experiment_schema

    click.echo(orjson.dumps(experiment_schema(), option=orjson.OPT_INDENT_2).decode())
