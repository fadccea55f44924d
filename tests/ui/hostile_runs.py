"""Runs for the page of results: texts that try everything, and runs of an experiment over time."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import promptlab
from promptlab.runs import RunDirectory

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> ![i](http://evil.test/i.png) :red[x] "
    "[l](http://evil.test) \u202egnp.exe"
)
SAMPLE = "<img src=http://evil.test/s onerror=alert(3)>"
VARIANT = "![v](http://evil.test/v.png) :red[v]"
LONG = 1_000_000
EXPERIMENT = f"""\
name: "<b>apples</b> :red[x]"
dataset: {{path: data.jsonl, target: a, id: id}}
task: {{prompt: "{{{{ q }}}}", answer: number}}
models: [{{id: scripted/script.yaml, name: "m <i>x</i>"}}]
variants: [zero_shot, {{name: {json.dumps(VARIANT)}, technique: zero_shot_cot}}]
scorers: [numeric]
"""


def make_run(folder: Path, *, fresh: bool = False, prompt: str = "{{ q }}") -> RunDirectory:
    """Sixty samples; zero_shot is wrong on every third, and the second sample answers with a megabyte."""
    ids = [SAMPLE, "long", *(f"n{number}" for number in range(2, 60))]
    rows = [
        {"id": name, "q": f"What is {number} plus 1?", "a": str(number + 1)}
        for number, name in enumerate(ids)
    ]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    script = [{"regex": "(?s)What is 0 plus.*Therefore", "reply": f"{HOSTILE} 1"}]
    script += [{"regex": "(?s)step by step.*Therefore", "reply": "So the answer is 7."}]
    script += [
        {"contains": "What is 0 plus", "reply": HOSTILE},
        {"contains": "What is 1 plus", "reply": "x" * LONG + " 2"},
    ]
    script += [
        {"contains": f"What is {n} plus", "reply": f"That makes {n + (2 if n % 3 == 0 else 1)}."}
        for n in range(2, 60)
    ]
    (folder / "script.yaml").write_text(json.dumps(script))
    (folder / "exp.yaml").write_text(EXPERIMENT.replace('"{{ q }}"', json.dumps(prompt)))
    done = promptlab.load(folder / "exp.yaml", home=folder / "home").run(fresh=fresh)
    assert done.status == "complete"
    return done.run


def multiply(run: RunDirectory, times: int) -> None:
    """Writes each sample of a run that many times, with its trials and scores."""
    store = sqlite3.connect(run.store)
    samples, trials = (
        store.execute(f"SELECT max(id) FROM {table}").fetchone()[0] for table in ("samples", "trials")
    )
    store.execute(
        "CREATE TEMP TABLE k AS WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k "
        f"WHERE n < {times - 1}) SELECT n FROM k"
    )
    for table, changed in {
        "samples": {
            "id": f"id + n * {samples}",
            "sample": "sample || '-' || n",
            "position": f"position + n * {samples}",
        },
        "trials": {
            "id": f"id + n * {trials}",
            "sample": f"sample + n * {samples}",
            "identity": "randomblob(16)",
            "text": "substr(text, 1, 300)",
        },
        "scores": {"trial": f"trial + n * {trials}"},
    }.items():
        names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(changed.get(name, name) for name in names)
        store.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table}, k")
    store.execute("UPDATE cells SET planned = planned * ?", (times,))
    store.commit()
    store.close()
