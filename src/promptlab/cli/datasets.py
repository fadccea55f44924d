"""`datasets`: a look into a data file, and the data sets that can be generated."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, ExperimentError, UsageError
from promptlab.cli.data_flags import (
    known_column,
    listed,
    parsed_split,
    reading_flags,
    reading_keys,
    spec_of,
    without_file,
)
from promptlab.cli.name_or_command import NameOrCommand

if TYPE_CHECKING:
    from promptlab.datasets import Dataset, DatasetSpec
    from promptlab.experiment import Plan

_EXPERIMENTS = (".yaml", ".yml")
_GUESSED_FROM_ROWS = 10_000


@click.group(cls=NameOrCommand)
def datasets() -> None:
    """Look into a data file: `promptlab datasets check FILE`. Alone: what data can be generated."""


@datasets.command("list")
def list_sources() -> None:
    """The data sets that can be generated, and the files that can be read."""
    from promptlab.cli.catalogue import show
    from promptlab.datasets import sources
    from promptlab.datasets.spec import COPIED_KINDS, TEXT_KINDS

    show(sources, "source", None)
    click.echo(f"\nFiles: {', '.join([*TEXT_KINDS, *COPIED_KINDS])}")
    click.echo("Look into one: promptlab datasets check FILE")


@datasets.command("show")
@click.argument("name")
def show_source(name: str) -> None:
    """Show one generated data set NAME with its settings."""
    from promptlab.cli.catalogue import show
    from promptlab.datasets import sources

    if Path(name).suffix and ".py:" not in name:
        raise UsageError(f"{name!r} is a file.", remedy=f"Look into it: promptlab datasets check {name}")
    show(sources, "source", name)


@datasets.command()
@click.argument("file", type=click.Path(path_type=Path))
@reading_flags
@click.option("--input", "inputs", metavar="COLUMN,...", help="Compare samples by these columns only.")
@click.option("--group", metavar="COLUMN", help="Rows of one group stay in one split.")
@click.option("--split", metavar="RULE", help="test=0.8,train=0.2 (or rows), or folds=5.")
@click.option("--train", "train_file", metavar="FILE", help="FILE is test, and this is train.")
@click.option("--dev", "dev_file", metavar="FILE", help="And this is dev.")
@click.option("--seed", type=int, default=0, show_default=True, help="For --split.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def check(file: Path, as_json: bool, seed: int, **flags: Any) -> int:
    """Report on a data FILE, or on the data of an experiment (EXP.yaml). Calls nothing.

    Columns, splits, label balance, content hash, empty cells, duplicates, near duplicates, the same input
    with another target, and overlaps between splits. Exit code 4 where a test row stands in another split
    too (or any two splits share a row); 2 where the data cannot be read.
    """
    from promptlab.cli.data_report import as_object, print_examination
    from promptlab.cli.rows import print_json
    from promptlab.datasets import examine

    overlaps = 0
    objects = []
    with ExitStack() as stack:
        if file.suffix.lower() in _EXPERIMENTS:
            looks = _of_experiment(file, flags, stack)
        else:
            looks = [_of_file(file, seed, flags, stack)]
        for number, look in enumerate(looks):
            found = examine(look.dataset, look.spec, look.folder, look.compared)
            overlaps += found.overlaps
            if as_json:
                objects.append(as_object(found, look.dataset, look.roles))
                continue
            if number:
                click.echo()
            print_examination(found, look.dataset, look.roles)
    if as_json:
        print_json({"datasets": objects})
    return ExitCode.GATE if overlaps else ExitCode.DONE


@datasets.command()
@click.argument("run")
@click.argument("trials", nargs=-1, required=True, type=int, metavar="TRIAL...")
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.jsonl",
    help="Made if missing.",
)
def add(run: str, trials: tuple[int, ...], path: Path) -> None:
    """Add the samples of some TRIALs of a RUN to a data file, to work on what failed.

    `promptlab show RUN --failed` gives the trials' numbers. What is there already is not added again.
    """
    from promptlab.basics.home import find_home
    from promptlab.export.kept_samples import keep_samples
    from promptlab.runs import find_run

    kept = keep_samples(find_run(find_home(), run), trials, path)
    there = f", {kept.known:,} there already" if kept.known else ""
    click.echo(f"{path}: {kept.added:,} added{there}", err=True)


@dataclass
class _Look:
    """An opened data set, how it was opened, and the inputs that make two samples equal (all if none)."""

    dataset: Dataset
    spec: DatasetSpec
    folder: Path
    compared: list[str] = field(default_factory=list)

    @property
    def roles(self) -> dict[str, str]:
        """Column to what it is: target, id, choice, split, …"""
        from promptlab.datasets.guessing import columns_of

        spec = self.spec
        roles: dict[str, str] = {}
        split = spec.split.column if spec.split is not None else None
        choices = [spec.choices] if isinstance(spec.choices, str) else spec.choices or []
        named = {"target": spec.target, "rationale": spec.rationale, "id": spec.id, "group": spec.group}
        for role, text in [*named.items(), ("split", split), *(("choices", each) for each in choices)]:
            for column in columns_of(text or ""):
                roles.setdefault(column, role)
        return roles


def _of_experiment(path: Path, flags: dict[str, Any], stack: ExitStack) -> list[_Look]:
    from promptlab.basics.home import open_home
    from promptlab.experiment import make_plan

    for name in (name for name, value in flags.items() if value is not None):
        raise UsageError(
            f"--{name.removesuffix('_file').replace('_', '-')} is for data files: {path} says itself"
            " how its data is read.",
            remedy="Change the file, or check the data file.",
        )
    plan = stack.enter_context(make_plan(path, open_home()))
    specs = plan.spec.datasets
    return [
        _Look(dataset, spec, plan.loaded.folder, compared=_shown_columns(plan, dataset))
        for dataset, spec in zip(plan.datasets, specs, strict=True)
    ]


def _shown_columns(plan: Plan, dataset: Dataset) -> list[str]:
    """The columns that some prompt shows: two samples that differ in others are the same to the model."""
    from promptlab.basics.templates import template

    used = {
        name
        for cell in plan.cells
        if cell.dataset is dataset
        for message in cell.task.messages
        for name in template(message.source).variables
    }
    return [] if "inputs" in used else sorted(used & set(dataset.columns))


def _of_file(path: Path, seed: int, flags: dict[str, Any], stack: ExitStack) -> _Look:
    """The file opened by its flags; target, split and id are guessed where no flag names them."""
    from promptlab.basics.home import open_home
    from promptlab.datasets import open_dataset
    from promptlab.datasets.guessing import guess_columns
    from promptlab.datasets.profile import profile_columns, read_rows

    several = {name: flags[f"{name}_file"] for name in ("train", "dev") if flags[f"{name}_file"]}
    if several and (flags["split"] or flags["split_column"]):
        raise UsageError("--train and --dev are splits already.", remedy="Leave out --split.")
    reading = ("columns", "encoding", "delimiter", "records", "limit")
    keys, guessed = reading_keys(path, **{name: flags[name] for name in reading})
    folder = Path.cwd()
    try:
        rows = read_rows(spec_of({**keys, "path": str(path)}), folder)
        columns = profile_columns(itertools.islice(rows, _GUESSED_FROM_ROWS))
        inputs, choices = listed(flags["inputs"], columns), listed(flags["choices"], columns)
        for name in ("target", "rationale", "id", "group", "split_column"):
            known_column(flags[name], columns, f"--{name.replace('_', '-')}")
        for name in inputs:
            known_column(name, columns, "--input")
        guess = guess_columns(
            columns, target=flags["target"], id=flags["id"], split_column=flags["split_column"], inputs=inputs
        )
        split: Any = parsed_split(flags["split"])
        if split is None and not several:
            split = guess.split_column
        said = {"target": guess.target, "id": guess.id, "split_column": split}
        guessed += [
            f"{name.replace('_', ' ')}: {value}"
            for name, value in said.items()
            if value and isinstance(value, str) and not flags[name]
        ]
        keys |= {
            "path": {"test": str(path), **several} if several else str(path),
            "target": guess.target or None,
            "rationale": flags["rationale"],
            "id": guess.id,
            "group": flags["group"],
            "choices": (choices[0] if len(choices) == 1 else choices) or None,
            "split": split,
        }
        spec = spec_of(keys)
        if guessed:
            click.echo(f"guessed: {'; '.join(guessed)} (flags say otherwise: --help)", err=True)
        try:
            dataset = open_dataset(spec, folder=folder, home=open_home(), seed=seed)
        except ExperimentError as error:
            if error.field != "id" or flags["id"]:
                raise
            click.echo(f"but {guess.id} is no id in every row: ids are made from the content", err=True)
            spec = spec_of({**keys, "id": None})
            dataset = open_dataset(spec, folder=folder, home=open_home(), seed=seed)
        stack.callback(dataset.close)
    except ExperimentError as error:
        raise without_file(error) from None
    return _Look(dataset, spec, folder, inputs)
