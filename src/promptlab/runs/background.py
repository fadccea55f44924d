"""Runs as processes of their own: they outlive whoever started them, and anybody finds them again.

A job is a folder `PROMPTLAB_HOME/jobs/<id>/`: `job.json` says what was started, `process.json` which process
it is, `events.jsonl` what happens in the run (`runs.events`), `output` and `messages` what the command
prints, `exit` the code it ended with. Keys go to the process through its standard input and stand in none
of these.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.basics.files import write_atomically
from promptlab.basics.process import Owner, process
from promptlab.basics.registry import own_code_refused
from promptlab.experiment import load_spec
from promptlab.runs import control
from promptlab.runs.directory import RunDirectory, latest_run, note_of, read_process, runs_folder

JOB = "job.json"
PROCESS = "process.json"
EVENTS = "events.jsonl"
OUTPUT = "output"
MESSAGES = "messages"
EXIT = "exit"
# Finished jobs whose folders are kept; their runs are kept in any case.
KEPT_JOBS = 50
# Where the last event of a kind is looked for first: progress is told every second.
TAIL_BYTES = 256 * 1024

JobState = Literal["starting", "running", "paused", "cancelling", "ended", "killed"]

_children: list[subprocess.Popen[bytes]] = []  # kept until they end, so that no dead one stays in the table


@dataclass(frozen=True)
class JobOptions:
    """What `compare` is told: as its flags of the same names. `own_code` false: it loads no Python file."""

    limit: int | None = None
    variants: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    fresh: bool = False
    no_cache: bool = False
    yes: bool = False
    own_code: bool = True
    more: tuple[str, ...] = field(default=())

    def flags(self) -> list[str]:
        """As the command line takes them."""
        found = [] if self.limit is None else [f"--limit={self.limit}"]
        found += [f"--variant={name}" for name in self.variants]
        found += [f"--model={name}" for name in self.models]
        switches = ("fresh", "no_cache", "yes")
        found += [f"--{name.replace('_', '-')}" for name in switches if getattr(self, name)]
        return [*found, *(() if self.own_code else ("--no-own-code",)), *self.more]


@dataclass(frozen=True)
class Job:
    """One `compare` in a process of its own. What it tells is read anew each time."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def home(self) -> Path:
        return self.folder.parent.parent

    def facts(self) -> dict[str, Any]:
        """What was started: experiment (its name), file, options, started (Unix seconds), cwd."""
        try:
            found: dict[str, Any] = orjson.loads((self.folder / JOB).read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise StorageError(f"job {self.id} cannot be read: {error}.") from error
        return found

    @property
    def process(self) -> Owner | None:
        """The living process; None once it is over. A later one with its number is not taken for it."""
        return read_process(self.folder / PROCESS)

    @property
    def exit_code(self) -> int | None:
        """What the command ended with; None while it lives, and where it was killed."""
        try:
            return int((self.folder / EXIT).read_text())
        except (OSError, ValueError):
            return None

    def state(self) -> JobState:
        """`killed`: the process is gone and could not say with which code."""
        if self.process is None:
            return "killed" if self.exit_code is None else "ended"
        run = self.run()
        if run is None or self.exit_code is not None:
            return "starting" if run is None else "ended"
        return control.asked_of(run) or "running"

    def run(self) -> RunDirectory | None:
        """The run it works on, or worked on; None as long as it has none."""
        started = self.first("started")
        if started is not None:
            found = RunDirectory(runs_folder(self.home) / str(started["run"]))
            return found if found.path.is_dir() else None
        # Where nothing was missing nothing is told.
        return latest_run(self.home, self.facts()["experiment"]) if self.exit_code == 0 else None

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What happened since that offset (bytes of the file, 0 at first), and the next offset."""
        try:
            with (self.folder / EVENTS).open("rb") as stream:
                stream.seek(offset)
                text = stream.read()
        except FileNotFoundError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]  # the last line may still be written
        return [orjson.loads(line) for line in whole.splitlines()], offset + len(whole)

    def first(self, kind: str) -> dict[str, Any] | None:
        """The first event if it is of that kind."""
        try:
            with (self.folder / EVENTS).open("rb") as stream:
                line = stream.readline()
        except FileNotFoundError:
            return None
        told = orjson.loads(line) if line.endswith(b"\n") else {}
        return told if told.get("event") == kind else None

    def latest(self, kind: str) -> dict[str, Any] | None:
        """The last event of that kind among the latest ones."""
        path = self.folder / EVENTS
        try:
            start = max(0, path.stat().st_size - TAIL_BYTES)
        except FileNotFoundError:
            return None
        with path.open("rb") as stream:
            stream.seek(start)
            lines = stream.read().split(b"\n")[bool(start) : -1]
        mark = f'"{kind}"'.encode()
        told = (orjson.loads(line) for line in reversed(lines) if mark in line)
        return next((each for each in told if each["event"] == kind), None)

    def messages(self) -> str:
        """What it said to people so far."""
        return _text(self.folder / MESSAGES)

    def output(self) -> str:
        """Its result, once it ended."""
        return _text(self.folder / OUTPUT)

    def pause(self) -> None:
        """See `control.pause`. UsageError: it is over, or has not begun to work."""
        control.pause(self._working())

    def resume(self) -> None:
        """See `control.resume`."""
        control.resume(self._working())

    def cancel(self) -> None:
        """Ends it: what is in flight is finished and kept. Before it works on a run it ends at once."""
        owner = self.process
        if owner is not None and self.run() is None:
            os.kill(owner.pid, signal.SIGINT)
            return
        control.cancel(self._working())

    def _working(self) -> RunDirectory:
        run = None if self.process is None else self.run()
        if run is None:
            over = "it has not begun yet." if self.process is not None else "it is over."
            raise UsageError(f"job {self.id} works on no run: {over}")
        return run


def start(
    home: Path,
    experiment: Path,
    keys: Mapping[str, str] | None = None,
    options: JobOptions = JobOptions(),
) -> Job:
    """Starts `promptlab compare EXPERIMENT` in a process of its own, which nothing of the starter's ends.

    `keys` are variables with their values (`models.keys.held()`), written to its standard input and nowhere
    else. Raises ExperimentError where the file is wrong in itself; what is found later ends the job with a
    message. UsageError where no process can be started.
    """
    experiment = experiment.resolve()
    name = load_spec(experiment).spec.name
    if own_code_refused():  # what may not be run here may not be run from here
        options = replace(options, own_code=False)
    folder = _new_folder(home)
    facts = {
        "experiment": name,
        "file": str(experiment),
        "options": asdict(options),
        "started": time.time(),
        "cwd": str(Path.cwd()),
    }
    write_atomically(folder / JOB, orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    # -P: no module is taken from the folder in which it happens to start.
    command = [sys.executable, "-P", "-m", "promptlab.cli.job", str(folder), "compare", str(experiment)]
    command += [*options.flags(), "--keys-stdin", f"--events={folder / EVENTS}"]
    try:
        child = _spawn(command, folder, {**os.environ, "PROMPTLAB_HOME": str(home)})
    except OSError as error:
        raise UsageError(f"no process can be started: {error}.") from error
    # The child writes the same: a starter that ends here leaves nothing unknown.
    write_atomically(folder / PROCESS, note_of(process(child.pid)))
    _children.append(child)
    try:
        assert child.stdin is not None
        child.stdin.write(json.dumps(dict(keys or {})).encode())
        child.stdin.close()
    except BrokenPipeError:
        pass  # it ended before it read them, and has said why
    return Job(folder)


def jobs(home: Path) -> Iterator[Job]:
    """Every job under `home`, the newest first."""
    _bury()
    folder = home / "jobs"
    if not folder.is_dir():
        return
    found = [path for path in folder.iterdir() if (path / JOB).is_file()]
    yield from (Job(path) for path in sorted(found, key=lambda path: path.name, reverse=True))


def job_of(run: RunDirectory, among: Sequence[Job]) -> Job | None:
    """The newest of these jobs that works or worked on that run."""
    for job in among:
        told = job.first("started")
        if told is not None and told["run"] == run.id:
            return job
    return None


def _new_folder(home: Path) -> Path:
    over = [job for job in jobs(home) if job.process is None]
    for job in over[KEPT_JOBS:]:
        shutil.rmtree(job.folder, ignore_errors=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime())
    folder = home / "jobs" / f"{stamp}-{secrets.token_hex(3)}"
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise UsageError(
            f"cannot create {folder}: {error.strerror}.",
            remedy="Set PROMPTLAB_HOME to a folder you can write to.",
        ) from error
    return folder


def _spawn(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In a session of its own: no signal to the starter's terminal or group reaches it."""
    flags = 0
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS  # type: ignore[attr-defined,unused-ignore]
    with (folder / OUTPUT).open("wb") as output, (folder / MESSAGES).open("wb") as messages:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=messages,
            env=dict(env),
            start_new_session=True,
            creationflags=flags,
        )


def _bury() -> None:
    """Children that are over leave the process table once somebody asked for their code."""
    _children[:] = [child for child in _children if child.poll() is None]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
