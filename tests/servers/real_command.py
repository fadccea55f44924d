"""An experiment in a folder of its own against the provider, run as the real command."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from command_template import run_command

EXPERIMENT = """\
name: loop
dataset: {{path: data.jsonl, target: answer, id: id}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}
models: [{models}]
variants: [{variants}]
limits: {{{limits}}}
"""


def model(name: str, base: str, more: str = "api_key_env: LOOP_KEY") -> str:
    return f'{{id: openai/{name}, name: {name}, api_base: "{base}", {more}}}'


class RealCommand:
    """`promptlab` in `folder`; its processes see no key but those given in `env`."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTLAB")}
        self.env |= env

    def write(
        self, samples: int, models: str, variants: str = "zero_shot", limits: str = "concurrency: 8"
    ) -> None:
        rows = ({"id": f"s{i}", "q": f"{i} + {i + 1}", "answer": str(2 * i + 1)} for i in range(samples))
        (self.folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        text = EXPERIMENT.format(models=models, variants=variants, limits=limits)
        (self.folder / "exp.yaml").write_text(text)

    def start(self, *args: str, home: Path | None = None) -> subprocess.Popen[str]:
        env = self.env if home is None else {**self.env, "PROMPTLAB_HOME": str(home)}
        return subprocess.Popen(
            [sys.executable, "-m", "promptlab", *args],
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, code: int | None = 0, home: Path | None = None) -> tuple[str, str]:
        env = self.env if home is None else {**self.env, "PROMPTLAB_HOME": str(home)}
        done = run_command(args, self.folder, env)
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    def compare(self, *args: str, code: int = 0, home: Path | None = None) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(
            self.run("compare", "exp.yaml", "--json", *args, code=code, home=home)[0]
        )
        return shown


def store_of(home: Path) -> Path:
    """The store of the only run there."""
    (store,) = home.glob("runs/*/run.sqlite")
    return store


def sql(path: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds in a SQLite file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query, values).fetchall()


def cached_replies(home: Path) -> int:
    """How many replies the cache holds. A lease is none."""
    path = home / "cache" / "cache.db"
    if not path.exists() or not sql(path, "SELECT 1 FROM sqlite_master WHERE name = 'Cache'"):
        return 0
    leases = "CAST(substr(value, 1, 9) AS TEXT) = '{\"lease\":'"
    return int(sql(path, f"SELECT count(*) FROM Cache WHERE NOT {leases}")[0][0])


def check_store(store: Path) -> None:
    """It is whole, no trial is in it twice, and nothing belongs to none."""
    assert sql(store, "PRAGMA integrity_check") == [("ok",)]
    trials, distinct = sql(store, "SELECT count(*), count(DISTINCT identity) FROM trials")[0]
    assert trials == distinct
    assert sql(store, "PRAGMA foreign_key_check") == []


def wait_until(holds: Any, what: str, limit_s: float = 180.0) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def whole_table(shown: dict[str, Any]) -> Any:
    """What must be equal between an undisturbed run and one that was killed, stopped or resumed."""
    same = ("variant", "model", "n", "errors", "unparsed", "scores", "calls", "prompt_tokens")
    return [{key: cell[key] for key in (*same, "completion_tokens")} for cell in shown["cells"]], [
        {key: pair[key] for key in ("scorer", "a", "b", "n", "diff", "p_adjusted")} for pair in shown["pairs"]
    ]


def table(shown: dict[str, Any]) -> Any:
    """What must be equal between a run in fair weather and one in foul."""
    same = ("variant", "model", "n", "errors", "unparsed", "scores", "prompt_tokens", "completion_tokens")
    return [{key: cell[key] for key in same} for cell in shown["cells"]]
