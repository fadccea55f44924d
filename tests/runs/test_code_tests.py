"""A run whose answers are programs: the real command, from the first call to the bundle."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from real_command import RealCommand, sql, store_of, wait_until

from promptlab.sandbox import confinement

WEAKER = Path(__file__).parents[1] / "sandbox" / "weaker_kernel.py"
EXPERIMENT = """\
name: code
dataset: {path: data.jsonl, target: tests, id: id}
task: {prompt: "Write %s.", answer: code}
models: [scripted/script.yaml]
variants: [zero_shot]
"""
PROGRAMS = {
    "right": "def right(): return 1",
    "wrong": "def wrong(): return 2",
    "endless": "def endless():\n    while True: pass",
    "thief": "def thief(): return len(open('/etc/hostname').read()) * 0 + 1",
}


TECHNIQUE = """\
from promptlab.basics.errors import SandboxFailure
from promptlab.sandbox import SandboxLimits
from promptlab.techniques import Answer, Technique, technique

@technique("runs")
class Runs(Technique):
    runs_code = True

    async def solve(self, question, ctx):
        reply = await ctx.ask(ctx.prompt(question))
        code = reply.text.removeprefix("```python").removesuffix("```")
        call = f"{question.inputs['q']}()"
        result = await ctx.run_program(code, call=call, limits=SandboxLimits(cpu_s=1))
        if not result.ok:
            raise SandboxFailure(result.message)
        return Answer(reply, result.value, "program")
"""


class Bench:
    """An experiment over one sample for each of these programs."""

    def __init__(self, folder: Path, programs: dict[str, str] = PROGRAMS) -> None:
        self.folder = folder
        self.home = folder / ".promptlab"
        self.command = RealCommand(folder)
        rows = [{"id": name, "q": name, "tests": [f"assert {name}() == 1"]} for name in programs]
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        rules = [{"contains": name, "reply": f"```python\n{code}\n```"} for name, code in programs.items()]
        (folder / "script.yaml").write_text(json.dumps(rules))

    def write(self, scorers: str = "[{scorer: code_tests, cpu_s: 1}]", more: str = "") -> None:
        text = EXPERIMENT.replace("%s", "{{ q }}") + f"scorers: {scorers}\n{more}"
        (self.folder / "exp.yaml").write_text(text)

    def statuses(self) -> dict[str, tuple[Any, ...]]:
        query = """SELECT samples.sample, trials.status, trials.error, scores.value FROM trials
            JOIN samples ON samples.id = trials.sample JOIN scores ON scores.trial = trials.id"""
        return {row[0]: row[1:] for row in sql(store_of(self.home), query)}

    def manifest(self) -> dict[str, Any]:
        (path,) = self.home.glob("runs/*/manifest.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def weaker(self, *args: str) -> subprocess.CompletedProcess[str]:
        """The command on a kernel without seccomp."""
        command = [sys.executable, str(WEAKER), "seccomp", "--", sys.executable, "-m", "promptlab", *args]
        return subprocess.run(
            command, cwd=self.folder, env=self.command.env, capture_output=True, text=True, timeout=100
        )


@pytest.fixture(autouse=True)
def _confines(missing: Callable[[str], NoReturn]) -> None:
    if confinement().gap:
        missing(f"a machine that can confine programs: {confinement().gap}")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, dict[str, Any]]:
    """A run that no test changes, and its table."""
    made = Bench(tmp_path_factory.mktemp("finished"))
    made.write()
    return made, made.command.compare()


def test_programs_are_tested_and_the_sandboxes_failures_are_counted(
    finished: tuple[Bench, dict[str, Any]],
) -> None:
    bench, shown = finished
    (cell,) = shown["cells"]
    assert (cell["n"], cell["sandbox"], cell["unparsed"], cell["errors"]) == (4, 2, 0, 0)
    assert list(cell["scores"]) == ["code_tests"], "no strict or extracted match against tests"
    assert (cell["scores"]["code_tests"]["mean"], cell["scores"]["code_tests"]["mean_answered"]) == (
        0.25,
        0.5,
    )
    assert bench.statuses() == {
        "right": ("ok", None, 1.0),
        "wrong": ("ok", None, 0.0),
        "endless": ("sandbox", "timeout: 1 s of computing used up", 0.0),
        "thief": (
            "sandbox",
            "forbidden: PermissionError: [Errno 1] Operation not permitted: '/etc/hostname'",
            0.0,
        ),
    }
    assert bench.manifest()["sandbox"]["confined"] is True
    assert bench.command.compare()["cells"] == shown["cells"]


def test_a_scorer_that_is_added_or_changed_runs_the_stored_replies(tmp_path: Path) -> None:
    slow = {"slow": "def slow():\n    import time\n    end = time.process_time() + 1.2\n"
                    "    while time.process_time() < end: pass\n    return 1"}  # fmt: skip
    other = Bench(tmp_path, slow)
    other.write("[{scorer: length, min: 1}]")
    other.command.compare()
    added = "{scorer: code_tests, as: quick, cpu_s: 1}"
    other.command.run("score", "code", "--scorer", added)
    assert sql(store_of(other.home), "SELECT status FROM trials") == [("sandbox",)]
    other.write("[{scorer: code_tests, cpu_s: 30}]")
    shown = other.command.compare()
    assert (shown["sent_calls"], shown["cells"][0]["scores"]["code_tests"]["mean"]) == (0, 1.0)


def test_pass_at_k_stands_beside_pass_at_1_and_runs_nothing_twice(bench: Bench) -> None:
    rules = [{"contains": "right", "reply": [f"```python\ndef right(): return {n}\n```" for n in (1, 2)]}]
    (bench.folder / "script.yaml").write_text(json.dumps(rules))
    row = {"id": "right", "q": "right", "tests": ["assert right() == 1"]}
    (bench.folder / "data.jsonl").write_text(json.dumps(row) + "\n")
    scorers = "[code_tests, {scorer: code_tests, as: pass@3, k: 3}]"
    bench.write(scorers, "repeats: 2\n")
    out, err = bench.command.run("compare", "exp.yaml", code=2)
    assert "exp.yaml:6: scorers.1.k: pass@3 needs 3 repeats, and there are 2." in out + err
    bench.write(scorers, "repeats: 6\n")
    scores = bench.command.compare()["cells"][0]["scores"]
    passed = round(scores["code_tests"]["mean"] * 6)
    assert 0 < passed < 6
    missed = {0: 20, 1: 10, 2: 4, 3: 1}.get(passed, 0) / 20
    assert scores["pass@3"]["mean"] == pytest.approx(1 - missed)


def test_a_run_killed_among_its_programs_goes_on_where_it_was(tmp_path: Path) -> None:
    programs = {
        f"f{i:02}x": f"def f{i:02}x():\n    import time; time.sleep(0.02); return 1" for i in range(60)
    }
    many = Bench(tmp_path, programs)
    many.write()
    process = many.command.start("compare", "exp.yaml")
    wait_until(lambda: list(many.home.glob("runs/*/run.sqlite")), "a store")
    wait_until(
        lambda: sql(store_of(many.home), "SELECT 1 FROM sqlite_master WHERE name = 'trials'"), "its tables"
    )
    wait_until(lambda: sql(store_of(many.home), "SELECT count(*) FROM trials")[0][0] == 60, "all trials")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    shown = many.command.compare()
    assert shown["sent_calls"] == 0
    assert shown["cells"][0]["scores"]["code_tests"]["mean"] == 1.0
    assert shown["status"] == "complete"


def test_a_technique_runs_what_the_model_wrote_and_its_failures_are_counted(bench: Bench) -> None:
    (bench.folder / "mine.py").write_text(TECHNIQUE)
    bench.write("[{scorer: contains}]")
    path = bench.folder / "exp.yaml"
    path.write_text(
        path.read_text().replace("[zero_shot]", "['mine.py:Runs']").replace("answer: code", "answer: text")
    )
    (cell,) = bench.command.compare()["cells"]
    assert (cell["n"], cell["sandbox"], cell["errors"]) == (4, 2, 0)
    answers = dict(sql(store_of(bench.home), "SELECT sample, answer FROM trials WHERE status = 'ok'"))
    assert sorted(answers.values()) == ['"1"', '"2"']
    refused = bench.weaker("validate", "exp.yaml")
    assert refused.returncode == 2
    assert "`allow_unsafe_code: true`" in refused.stderr


def test_where_programs_cannot_be_confined_nothing_is_asked_or_run(bench: Bench) -> None:
    bench.write()
    refused = bench.weaker("compare", "exp.yaml")
    assert refused.returncode == 2
    assert "cannot be confined on this machine" in refused.stderr
    assert "`allow_unsafe_code: true`" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not list(bench.home.glob("runs/*/run.sqlite"))


def test_with_allow_unsafe_code_they_run_and_every_table_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {name: PROGRAMS[name] for name in ("right", "thief")})
    bench.write(more="allow_unsafe_code: true\n")
    done = bench.weaker("compare", "exp.yaml")
    assert done.returncode == 0, done.stderr
    assert "programs run unconfined" in done.stderr
    assert "programs ran unconfined" in " ".join(done.stdout.split())
    assert bench.manifest()["sandbox"]["allow_unsafe_code"] is True
    assert bench.manifest()["sandbox"]["confined"] is False
    assert bench.statuses()["thief"][0] == "ok", "it read the file: that is what was allowed"


def test_a_replayed_bundle_runs_no_program(
    finished: tuple[Bench, dict[str, Any]], bench: Bench, tmp_path: Path
) -> None:
    made, shown = finished
    made.command.run("bundle", "code", "--out", str(tmp_path / "x.zip"))
    replayed = bench.weaker("replay", "x.zip", "--json")
    assert replayed.returncode == 0, "no sandbox is needed for it"
    assert "Not graded anew here: code_tests." in replayed.stderr
    assert json.loads(replayed.stdout)["cells"] == shown["cells"]


def test_what_a_bundle_allowed_elsewhere_is_not_allowed_here(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    theirs = Bench(tmp_path / "theirs", {"thief": PROGRAMS["thief"]})
    theirs.write(more="allow_unsafe_code: true\n")
    theirs.command.compare()
    theirs.command.run("bundle", "code", "--out", str(tmp_path / "x.zip"))
    (tmp_path / "ours").mkdir()
    ours = Bench(tmp_path / "ours", {})
    ours.command.run("replay", str(tmp_path / "x.zip"), "--to", str(ours.home / "runs"))
    refused = ours.weaker("score", "code", "--scorer", "{scorer: code_tests, as: again, cpu_s: 3}")
    assert refused.returncode == 2, refused.stdout
    assert "cannot be confined on this machine" in refused.stderr
