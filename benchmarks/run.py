"""Whole processes, start included, against a provider on loopback: figures as ratios within one run.

    python benchmarks/run.py [--trials 3000] [--cached 10000]

Every figure stands beside the barest script that does the same work on the same machine at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROVIDER = ROOT / "tests" / "servers" / "fake_provider.py"
CONCURRENCY = 64
ROUNDS = 3

BARE_HTTP = """
import asyncio, aiohttp, sys
async def main(url, total, width):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        numbers = iter(range(total))
        async def work():
            for number in numbers:
                asked = {"role": "user", "content": f"What is {number} + 1?"}
                body = {"model": "fake-1", "messages": [asked]}
                async with session.post(url + "/v1/chat/completions", json=body) as reply:
                    (await reply.json())["choices"][0]["message"]["content"]
        await asyncio.gather(*(work() for _ in range(width)))
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""
BARE_CACHE = """
import diskcache, sys
cache = diskcache.Cache(sys.argv[1], eviction_policy="none", cull_limit=0, size_limit=2**40)
total = int(sys.argv[2])
if len(cache) < total:
    with cache.transact():
        for number in range(total):
            cache[f"key-{number}"] = b"x" * 400
else:
    for number in range(total):
        cache[f"key-{number}"]
"""


def timed(command: list[str], **settings: object) -> float:
    """Seconds of one whole process; it must succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command[:6])} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def write_experiment(folder: Path, url: str, trials: int) -> None:
    rows = ({"id": str(number), "q": f"{number} + 1", "a": str(number + 1)} for number in range(trials))
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "exp.yaml").write_text(
        "name: bench\n"
        "dataset: {path: data.jsonl, target: a, id: id}\n"
        'task: {prompt: "What is {{ q }}?", answer: number}\n'
        f'models: [{{id: openai/fake-1, api_base: "{url}/v1"}}]\n'
        "variants: [zero_shot]\n"
        f"limits: {{concurrency: {CONCURRENCY}}}\n"
    )


def report(what: str, ours: list[float], bare: list[float], against: str) -> None:
    ratios = [each / other for each, other in zip(ours, bare, strict=True)]
    print(
        f"{what:<46} {statistics.median(ours):7.2f} s   {statistics.median(bare):6.2f} s {against:<28}"
        f" ratio {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--cached", type=int, default=10_000)
    options = parser.parse_args()
    # Compiled modules are kept, as in any installed program: else each process would compile them all anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTLAB")}
    python = sys.executable
    provider = subprocess.Popen([python, str(PROVIDER), "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert provider.stdout is not None
    url = provider.stdout.readline().strip().split()[-1]
    try:
        with tempfile.TemporaryDirectory() as name:
            bench(Path(name), url, options.trials, options.cached, python, env)
    finally:
        provider.terminate()
        provider.wait()
    for script in ("comparison.py", "door.py", "transports.py"):
        subprocess.run([python, str(ROOT / "benchmarks" / script)], check=True)


def bench(folder: Path, url: str, trials: int, cached: int, python: str, env: dict[str, str]) -> None:
    compare = [python, "-m", "promptlab", "compare", "exp.yaml", "--json", "--quiet"]
    ours, bare, reprint, nothing = [], [], [], []
    for each in range(ROUNDS):
        work = folder / f"run{each}"
        work.mkdir()
        write_experiment(work, url, trials)
        bare.append(timed([python, "-c", BARE_HTTP, url, str(trials), str(CONCURRENCY)]))
        ours.append(timed(compare, cwd=work, env=env))
        reprint.append(timed(compare, cwd=work, env=env))
        nothing.append(timed([python, "-c", "pass"]))
    report(f"{trials:,} trials run, scored, stored, compared", ours, bare, "bare aiohttp script")
    report("the same experiment reprinted", reprint, nothing, "python -c pass")
    work = folder / "cached"
    work.mkdir()
    write_experiment(work, url, cached)
    timed(compare, cwd=work, env=env)
    store = str(folder / "diskcache")
    timed([python, "-c", BARE_CACHE, store, str(cached)])
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(timed([python, "-c", BARE_CACHE, store, str(cached)]))
        ours.append(timed([*compare, "--fresh"], cwd=work, env=env))
    report(f"{cached:,} cached trials in a fresh run", ours, bare, "bare diskcache loop")
    runs = [each.stat().st_size for each in (work / ".promptlab" / "runs").glob("*/run.sqlite")]
    print(f"{'the run store':<46} {max(runs) / cached:7.0f} bytes a trial")
    help_s = [timed([python, "-m", "promptlab", "--help"], env=env) for _ in range(ROUNDS)]
    report("promptlab --help", help_s, nothing, "python -c pass")


if __name__ == "__main__":
    main()
