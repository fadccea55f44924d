"""`ask`: one question by hand, to several models by several techniques."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from promptlab.basics.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from promptlab.cli.asked import Column
    from promptlab.playground import ModelChoice, Prompt

PLAIN = "zero_shot"


@click.command()
@click.argument("question")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="ID",
    help="Who is asked (repeatable): PROVIDER/MODEL, or a model of an endpoint that was added.",
)
@click.option("--api-base", metavar="URL", help="Ask them at this endpoint.")
@click.option("--key-env", metavar="NAME", help="The variable that holds its key.")
@click.option("-t", "--technique", "names", multiple=True, metavar="NAME", help="How (repeatable).")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the technique, as in the experiment file: --set demos.count=2. With several "
    "techniques it begins with the name of its own: --set self_consistency.samples=5.",
)
@click.option("--system", metavar="TEXT|@FILE", help="The system prompt.")
@click.option("--instruction", metavar="TEXT", help="Stands once, in the call that states the answer.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Fills {{ NAME }} in the texts; without any, and without --data, they are sent as they stand.",
)
@click.option(
    "--data",
    metavar="FILE",
    help="A row of it fills {{ COLUMN }}: a data file, or EXP.yaml (of several data sets: EXP.yaml#NAME).",
)
@click.option("--row", metavar="N|random", help="Which row.  [default: 1]")
@click.option(
    "--split",
    type=click.Choice(["dev", "train", "test"]),
    help="Of which split.  [default: dev, else train]  Looks at test rows are counted and told.",
)
@click.option("--target", metavar="COLUMN", help="The right answer in the data file, if the guess is wrong.")
@click.option(
    "--save",
    "to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="EXP.yaml",
    help="Write it as an experiment over all rows of --data.",
)
@click.option("--force", is_flag=True, help="Overwrite the file of --save if it is there.")
@click.option("--temperature", type=float)
@click.option("--top-p", type=float)
@click.option("--max-tokens", type=click.IntRange(min=1))
@click.option("--seed", type=int)
@click.option("--stop", metavar="TEXT")
@click.option(
    "--again", type=click.IntRange(min=1), metavar="N", help="The Nth further answer, not the kept one."
)
@click.option("--show-messages", is_flag=True, help="Also the exact messages of every call.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def ask(
    question: str,
    models: tuple[str, ...],
    api_base: str | None,
    key_env: str | None,
    names: tuple[str, ...],
    given: tuple[str, ...],
    system: str | None,
    instruction: str | None,
    variables: tuple[str, ...],
    data: str | None,
    row: str | None,
    split: str | None,
    target: str | None,
    to: Path | None,
    force: bool,
    again: int | None,
    show_messages: bool,
    as_json: bool,
    **sampling: Any,
) -> int:
    """Ask QUESTION (`-`: from standard input) by hand; the reply streams as it comes.

    It is asked through the same door and cache as an experiment: what was asked before, here, in the
    playground or in a run, is not paid again. Without --model the embedded model answers, if no other is
    usable.

    With --data a row of a data set fills the question, and --save writes the experiment that asks all rows
    this way, as the playground does: for validate, estimate and compare.

    Exit code: 0 answered, 2 wrong usage, 3 some answer failed, 130 interrupted.
    """
    from promptlab.basics.home import open_home
    from promptlab.cli.asked import Column, print_columns, stream, to_json
    from promptlab.datasets import Question
    from promptlab.playground import Asker, Candidate, build_technique, typed_rows

    home = open_home()
    values = dict(_pair(each, "--var") for each in variables)
    prompt = _prompt(question, system, instruction, templates=bool(values) or data is not None)
    techniques = _settings(given, list(dict.fromkeys(names)) or [PLAIN])
    built = {name: build_technique(name, each, allow_code=True) for name, each in techniques.items()}
    wanted = {name: value for name, value in sampling.items() if value is not None}
    chosen = _models(home, models, wanted, api_base=api_base, key_env=key_env)
    candidates = [
        Candidate(choice.model(sampled), built[name], choice, settings)
        for choice, sampled in chosen
        for name, settings in techniques.items()
    ]
    if data is None:
        _needs_data(row=row, split=split, target=target, save=to, force=force or None)
        _all_filled(prompt, values)
        asked, dataset, facts = Question("typed by hand", values), typed_rows(values), {}
    else:
        from promptlab.cli.asked_rows import open_row, save_experiment

        found = open_row(home, prompt, values, data=data, target=target, split=split, row=row)
        if to is not None:
            save_experiment(to, found, values, chosen, techniques, force=force)
        found.look(home)
        prompt, asked, dataset, facts = found.prompt, found.question, found.dataset, {"data": found.facts()}
    asker = Asker(home)
    with dataset as rows:
        columns = [Column(each, asker.ask(each, prompt, asked, rows, draw=again or 0)) for each in candidates]
        alone = columns[0] if len(columns) == 1 and not as_json else None
        _wait(columns, asker, alone, stream)
    if as_json:
        from promptlab.cli.rows import print_json

        print_json([{**to_json(each, messages=show_messages), **facts} for each in columns])
    else:
        print_columns(columns, messages=show_messages, streamed=alone is not None)
    return ExitCode.TRIAL_ERRORS if any(each.answer.state == "failed" for each in columns) else ExitCode.DONE


def _wait(columns: Sequence[Column], asker: Any, alone: Column | None, stream: Any) -> None:
    """Until all have ended. Interrupted: what is on its way is stopped; the door closes either way."""
    from promptlab.basics.loop import run_sync

    try:
        stream(columns, alone, lambda: asker.told)
    finally:
        for each in columns:
            each.answer.stop()
        run_sync(asker.close())


def _prompt(question: str, system: str | None, instruction: str | None, *, templates: bool) -> Prompt:
    """What is said; without `templates` exactly that."""
    from promptlab.playground import Prompt

    if question == "-":
        question = sys.stdin.read().removesuffix("\n")
    if not question.strip():
        raise UsageError("there is no question.", remedy='Give one: promptlab ask "What is …?"')
    if system is not None and system.startswith("@"):
        system = _text_of(Path(system[1:]))
    said = str if templates else literal
    return Prompt(said(question), said(system or ""), said(instruction or ""))


def _all_filled(prompt: Prompt, values: Mapping[str, str]) -> None:
    for name in prompt.variables():
        if name not in values:
            raise UsageError(
                f"the question's {{{{ {name} }}}} has no value.",
                remedy=f"Give it: --var {name}=…, or a row of a file: --data FILE",
            )


def _needs_data(**flags: object) -> None:
    for name, value in flags.items():
        if value is not None:
            raise UsageError(f"--{name} says something about a data set.", remedy="Name it: --data FILE")


def literal(text: str) -> str:
    """A template that renders to exactly this text."""
    return text.replace("{", "{{ '{' }}")


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from None


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise UsageError(f"{flag} {text!r} is no NAME=VALUE.")
    return name.strip(), value


def _models(
    home: Path,
    models: Sequence[str],
    sampling: Mapping[str, Any],
    *,
    api_base: str | None,
    key_env: str | None,
) -> list[tuple[ModelChoice, Mapping[str, Any]]]:
    """Who is asked, each with its sampling."""
    from promptlab.playground.reach import EMBEDDED, LONGEST_LOCAL_REPLY, choice_of, first_choice

    chosen = [choice_of(home, each, api_base=api_base, key_env=key_env) for each in dict.fromkeys(models)]
    if not chosen:
        if api_base or key_env:
            raise UsageError(
                "--api-base and --key-env say where a model is asked.", remedy="Name it: --model ID."
            )
        chosen = [first_choice(home)]
        click.echo(f"{chosen[0].label} is asked; --model asks another.", err=True)
        if chosen[0].label == f"local/{EMBEDDED}" and "max_tokens" not in sampling:
            sampling = {**sampling, "max_tokens": LONGEST_LOCAL_REPLY}
    return [(each, sampling) for each in chosen]


def _refuse_searching(name: str) -> None:
    from promptlab.techniques import techniques

    cls = techniques.get(name, folder=Path.cwd())
    if cls.optimizes:
        raise UsageError(
            f"{name} looks for its prompt on a data set.", remedy="Use `promptlab optimize EXP.yaml`."
        )
    if cls.oracle:
        raise UsageError(f"{name} must be told the target.", remedy="Use `promptlab compare EXP.yaml`.")


def _settings(given: Sequence[str], techniques: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Each technique's settings: `demos.count=2` is `demos: {count: 2}` in the file."""
    from promptlab.experiment.yaml_lines import parse_document

    for name in techniques:
        _refuse_searching(name)
    found: dict[str, dict[str, Any]] = {name: {} for name in techniques}
    for each in given:
        place, text = _pair(each, "--set")
        name = techniques[0]
        if len(techniques) > 1:
            name = next((known for known in techniques if place.startswith(f"{known}.")), "")
            if not name:
                raise UsageError(
                    f"--set {each!r} does not say of which technique.",
                    remedy=f"Begin with its name: --set {techniques[0]}.{each}",
                )
            place = place.removeprefix(f"{name}.")
        *above, last = place.split(".")
        inner: Any = found[name]
        for part in above:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise UsageError(f"--set {each!r}: {part} has a value already.")
        inner[last] = parse_document(f"{{value: {text}}}", f"--set {each}").value["value"]
    return found
