"""`validate` and `schema`: what may stand in an experiment file, and whether this one does."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument(
    "experiments", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="EXP.yaml ..."
)
def validate(experiments: tuple[Path, ...]) -> None:
    """Check experiment files with their data, templates, techniques, scorers and keys. Calls nothing."""
    from promptlab.basics.home import open_home
    from promptlab.experiment import make_plan

    for path in experiments:
        with make_plan(path, open_home()) as plan:
            plan.check_keys()
            plan.check_prices()
            trials = sum(plan.trials_in(cell) for cell in plan.cells)
            for note in plan.notes:
                click.echo(note, err=True)
            click.echo(f"{path}: fine: {len(plan.cells)} cells, {trials:,} trials")
            for each in plan.loaded.unfolded:
                left_out = f" ({each.excluded:,} excluded)" if each.excluded else ""
                click.echo(f"  {each.list}, {each.stem}: {len(each.names):,} from the matrix{left_out}")
                for name in each.names:
                    click.echo(f"    {name}")


@click.command()
def schema() -> None:
    """Print the JSON schema of the experiment file, for editors that complete and check YAML."""
    import orjson

    from promptlab.experiment.schema import experiment_schema

    click.echo(orjson.dumps(experiment_schema(), option=orjson.OPT_INDENT_2).decode())
