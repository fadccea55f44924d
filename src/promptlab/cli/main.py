"""The command line. Every command imports what it needs when it runs: `--help` stays light."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from promptlab.basics.errors import ExitCode
from promptlab.basics.version import VERSION
from promptlab.cli.ending import told

_COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module, help); the order is the order of --help
    "compare": ("promptlab.cli.compare", "Run what is missing of experiments and print the comparison."),
    "run": ("promptlab.cli.run", "Run what is missing of experiments; print where it is kept."),
    "estimate": ("promptlab.cli.estimate", "What is still to be sent, what it costs, what it can find."),
    "optimize": ("promptlab.cli.optimize", "Find optimizers' prompts on train and dev, and keep them."),
    "demo": ("promptlab.cli.demo", "The quickstart: four ways to ask a small model, compared."),
    "ask": ("promptlab.cli.ask", "Ask one question by hand: several models, several techniques."),
    "init": ("promptlab.cli.init", "Write a commented experiment file, for a data file of yours."),
    "validate": ("promptlab.cli.check", "Check experiment files and their data; call nothing."),
    "schema": ("promptlab.cli.check", "Print the JSON schema of the experiment file."),
    "runs": ("promptlab.cli.runs", "List the stored runs and what runs now; pause, resume, cancel one."),
    "show": ("promptlab.cli.look", "Show a run, or one trial with every prompt and reply."),
    "score": ("promptlab.cli.score", "Add scores to a stored run: scorers, judges, people's labels."),
    "ratings": ("promptlab.cli.ratings", "What people's ratings say: strengths, labels, agreement."),
    "export": ("promptlab.cli.look", "Write a run to a file: tables, a report, texts for a paper."),
    "plot": ("promptlab.cli.plot", "Draw a run: scores with intervals, cost, failures, and more."),
    "bundle": ("promptlab.cli.bundle", "Pack a run into one file: spec, samples, every call."),
    "replay": ("promptlab.cli.bundle", "Check a bundle and print its table: no key, no network."),
    "techniques": ("promptlab.cli.techniques", "The techniques, with settings and sources."),
    "scorers": ("promptlab.cli.catalogue", "The scorers, with their settings."),
    "datasets": ("promptlab.cli.datasets", "Look into a data file; the data that can be generated."),
    "models": ("promptlab.cli.models", "Models: what can be used here and why not; pull, test."),
    "cache": ("promptlab.cli.cache", "The cache of paid replies: its size; verify, repair, import."),
    "ui": ("promptlab.cli.ui", "Open the workbench in the browser."),
}


class _Lazy(click.Group):
    """Loads a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        import importlib

        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            from promptlab.basics.registry import did_you_mean

            hint = (
                "Did you mean `promptlab compare " + name + "`?" if name.endswith((".yaml", ".yml")) else ""
            )
            raise click.UsageError(f"there is no command {name!r}. {hint or did_you_mean(name, _COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="promptlab")
def cli() -> None:
    """Which prompt is better, and how sure is that?

    Start with `promptlab demo`, then `promptlab init` and `promptlab compare EXP.yaml`.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Runs the command line and exits: 0 done, 2 usage, 3 trial errors, 4 gate, 5 budget, 130 interrupted."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """The same, returning the exit code."""
    _utf8()
    try:
        result: Any = cli.main(args, prog_name="promptlab", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except BrokenPipeError:
        # The reader went away (`| head`): not an error of ours, and nothing more can be said on stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the last one to say it
        message, code = told(error)
        if isinstance(error, OSError):  # what is left of the result would fail again when the process ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"promptlab: {message}", err=True)
        return code
    return result if isinstance(result, int) else ExitCode.DONE


def _utf8() -> None:
    """Terminals in a legacy locale must not end a run with an encoding error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
