"""The statistics of a large comparison: 12 cells of 10,000 samples, all pairs, 10,000 draws.

    python benchmarks/comparison.py [--cells 12] [--samples 10000]

Seconds of wall clock and of the processors, and the most memory. No run, no file: the numbers alone.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from worlds import World, f1_parts, macro_f1

from promptlab.analysis.cells import CellResult, Family
from promptlab.analysis.comparing import compare
from promptlab.analysis.resampling import resampled_difference, resampled_interval, resampled_sums

DRAWS = 10_000
MOST_SECONDS = 5.0


def cells(
    count: int, samples: int, repeats: int, *, grouped: bool = False, graded: bool = False
) -> list[CellResult]:
    generator = np.random.default_rng(count)
    positions = np.repeat(np.arange(samples), repeats)
    trials = len(positions)
    found = []
    for number in range(count):
        chance = 0.6 + 0.005 * number
        scores = (
            generator.beta(9 * chance, 9 * (1 - chance), trials)
            if graded
            else generator.random(trials) < chance
        )
        found.append(
            CellResult(
                variant=f"v{number}",
                model="m",
                dataset="d",
                planned=trials,
                n=trials,
                errors=0,
                unparsed=0,
                refused=0,
                truncated=0,
                sandbox=0,
                calls=trials,
                cached_calls=0,
                prompt_tokens=trials,
                completion_tokens=trials,
                cost_usd=1.0,
                unknown_cost_calls=0,
                paid_usd=1.0,
                latency_p50_s=0.1,
                latency_p95_s=0.2,
                samples=positions,
                repeats=np.tile(np.arange(repeats), samples),
                groups=positions // 4 if grouped else None,
                answered=np.ones(trials, dtype=np.bool_),
                scores={"score": scores.astype(np.float64)},
            )
        )
    return found


def compared(results: list[CellResult]) -> int:
    done = compare(
        results,
        Family(None, None, ("score",)),
        seed=0,
        status="complete",
        run="bench",
        experiment="bench",
        sent_calls=0,
    )
    return len(done.pairs)


def bootstrapped(count: int, samples: int) -> int:
    """Macro F1 of every cell with its interval, and of all pairs, drawn together."""
    gold, answers = World(samples).answers(np.random.default_rng(1), count)
    parts = [f1_parts(gold, each) for each in answers]
    drawn = resampled_sums(np.hstack(parts), 1, draws=DRAWS)
    width = parts[0].shape[1]
    scores = [macro_f1(drawn[:, place * width : (place + 1) * width]) for place in range(count)]
    observed = [float(macro_f1(each.sum(axis=0, keepdims=True))[0]) for each in parts]
    for score, whole in zip(scores, observed, strict=True):
        resampled_interval(score, whole, samples)
    pairs = [(a, b) for a in range(count) for b in range(a)]
    for a, b in pairs:
        resampled_difference(scores[a] - scores[b], observed[a] - observed[b], samples)
    return len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=12)
    parser.add_argument("--samples", type=int, default=10_000)
    given = parser.parse_args()
    count, samples = given.cells, given.samples
    work: dict[str, Callable[[], int]] = {
        "0/1, one repeat (McNemar)": lambda: compared(cells(count, samples, 1)),
        "0/1, 3 repeats (sign flips)": lambda: compared(cells(count, samples, 3)),
        "0/1, groups of 4 (sign flips of groups)": lambda: compared(cells(count, samples, 1, grouped=True)),
        "scores in [0, 1] (sign flips)": lambda: compared(cells(count, samples, 1, graded=True)),
        "macro F1 (bootstrap)": lambda: bootstrapped(count, samples),
    }
    slow = []
    for name, run in work.items():
        wall, cpu = time.perf_counter(), time.process_time()
        pairs = run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        what = f"{count} cells x {samples:,} samples, {pairs} pairs: {name}"
        print(f"{what:<84} {wall:5.2f} s   {cpu:5.2f} s of CPU   {peak:4.0f} MB")
        if min(wall, cpu) > MOST_SECONDS:  # beside other work only the processor's time is this one's own
            slow.append(name)
    if slow:
        sys.exit(f"over {MOST_SECONDS:g} s: {', '.join(slow)}")


if __name__ == "__main__":
    main()
