import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from promptlab.analysis import Comparison, Family, compare
from promptlab.export import comparison_lines, plain, print_comparison
from promptlab.export.layout import fold

ALL = {"seed": 0, "status": "complete", "run": "20261121-ab12", "experiment": "plurals", "sent_calls": 0}
BOTH = Family("exact_match", "zero_shot", ("exact_match", "extracted"), "exact_match", "extracted")
WIDTHS = [80, 100, 120, 160]


def ones(share: float, n: int = 60) -> list[float]:
    return [1.0] * round(share * n) + [0.0] * (n - round(share * n))


@pytest.fixture
def quick(cell) -> Comparison:
    cells = [
        cell("zero_shot", {"exact_match": ones(0.0), "extracted": ones(0.6)}, model="local/smollm2-135m"),
        cell("few_shot", {"exact_match": ones(0.9), "extracted": ones(0.83)}, model="local/smollm2-135m"),
    ]
    return compare(cells, BOTH, **ALL)


@pytest.fixture
def wide(cell) -> Comparison:
    generator = np.random.default_rng(0)
    cells = [
        cell(
            variant,
            {"exact_match": (generator.random(80) < share).astype(float), "extracted": ones(share, 80)},
            model=model,
            dataset=dataset,
            unparsed=3 if share < 0.5 else 0,
            errors=2 if dataset == "评论情感" else 0,
            cost_usd=None if model == "通义千问 via relay" else 0.06,
        )
        for model in ("openai/gpt-4o-mini", "通义千问 via relay")
        for dataset in ("plurals", "评论情感")
        for variant, share in (
            ("zero_shot", 0.4),
            ("少样本提示", 0.8),
            ("dspy(optimizer=mipro_v2, demos=4)", 0.7),
        )
    ]
    return compare(cells, BOTH, **ALL)


def text(comparison: Comparison, width: int = 120, *, pairs: bool = False) -> str:
    return "\n".join(line.plain for line in comparison_lines(comparison, width, pairs=pairs))


@pytest.mark.parametrize("width", [20, 40, 60, *WIDTHS])
def test_no_line_is_wider_than_the_terminal(quick, wide, width: int) -> None:
    for comparison in (quick, wide):
        for line in comparison_lines(comparison, width, pairs=True):
            assert cell_len(line.plain) <= max(width, 40), line.plain


@pytest.mark.parametrize("width", WIDTHS)
def test_each_score_stands_with_its_interval_and_the_extracted_one_beside_it(quick, width: int) -> None:
    row = next(line for line in text(quick, width).splitlines() if line.startswith("few_shot"))
    assert re.search(r"0\.90 \[0\.80, 0\.95\].* 0\.83 \[0\.72, 0\.91\]", row)


def test_columns_line_up_under_their_titles_with_wide_characters(wide) -> None:
    lines = text(wide, 100).splitlines()
    title = next(i for i, line in enumerate(lines) if "calls  tokens" in line)
    end = cell_len(lines[title][: lines[title].index("calls") + 5])
    for line in lines[title + 2 : title + 5]:
        if line and not line.startswith("demos"):
            before = ""
            while cell_len(before) < end:
                before = line[: len(before) + 1]
            assert re.search(r" \d\.\d$", before), line


def test_a_picture_of_the_interval_appears_where_there_is_room(quick) -> None:
    assert "●" in text(quick, 100)
    assert "●" not in text(quick, 80)


def test_only_what_is_distinguishable_is_marked(cell, quick) -> None:
    assert "few_shot   ▲ 0.90" in text(quick)
    even = [cell("zero_shot", {"exact_match": ones(0.5)}), cell("few_shot", {"exact_match": ones(0.52)})]
    shown = text(compare(even, Family("exact_match", "zero_shot", ("exact_match",)), **ALL))
    assert not set("▲▼★") & set(shown)


def test_without_a_baseline_only_the_one_that_beats_all_others_is_marked(cell) -> None:
    cells = [cell(name, {"s": ones(share)}) for name, share in (("a", 0.2), ("b", 0.5), ("c", 0.9))]
    cells.append(cell("knows", {"s": ones(1.0)}, oracle=True))
    shown = text(compare(cells, Family(None, None, ("s",)), **ALL))
    rows = [line for line in shown.splitlines() if "★" in line and "[" in line and "beats" not in line]
    assert len(rows) == 1
    assert rows[0].startswith("c ")
    assert "knows (oracle)" in shown


def test_failures_show_where_they_happened_and_nowhere_else(quick, wide) -> None:
    assert "failures" not in text(quick)
    shown = text(wide, 160)
    assert "3 unparsed" in shown
    assert "2 errors" in shown
    assert "answered" in shown
    assert "refused" not in shown


def test_unknown_cost_is_unknown_and_a_sum_says_what_it_leaves_out(wide) -> None:
    shown = text(wide, 160)
    assert "unknown" in shown
    assert "at least 0.36 USD, 6 cells unknown" in shown


def test_a_cell_that_has_not_run_is_no_unknown_cost(cell) -> None:
    cells = [cell("zero_shot", {"s": ones(0.2)}), cell("few_shot", {"s": []}, pending=60, cost_usd=None)]
    shown = text(compare(cells, Family("s", "zero_shot", ("s",)), **ALL | {"status": "interrupted"}))
    assert "0.01 USD" in shown
    assert "unknown" not in shown


def test_an_unfinished_run_shows_progress_and_no_p(cell) -> None:
    cells = [cell("zero_shot", {"s": ones(0.2)}), cell("few_shot", {"s": ones(0.9, 40)}, pending=20)]
    shown = text(
        compare(cells, Family("s", "zero_shot", ("s",)), **ALL | {"status": "stopped: budget"}), pairs=True
    )
    assert "stopped: budget, 20 of 120 trials pending" in shown
    assert "40/60" in shown
    assert "No verdict yet: 100 of 120 trials are finished" in shown
    assert "p =" not in shown
    assert "p <" not in shown
    assert "▲" not in shown


def test_the_footing_names_n_interval_test_and_family(wide) -> None:
    shown = " ".join(text(wide, 160).split())
    assert "n = 80 samples." in shown
    assert "95 % interval (Wilson), ~ rough: fewer than 100 samples" in shown
    assert "]~" in shown
    assert "mid-p McNemar with Tango's interval; Holm over 12 comparisons against zero_shot" in shown


def test_the_sentences_that_matter_come_last(quick) -> None:
    lines = text(quick).splitlines()
    tail = lines[next(i for i, line in enumerate(lines) if line.startswith("1. ")) :]
    assert [line[:2] for line in tail if not line.startswith("   ")] == ["1.", "2."]


def test_the_list_of_pairs_comes_on_request(quick) -> None:
    assert "p Holm" not in text(quick)
    shown = text(quick, pairs=True)
    assert re.search(
        r"few_shot - zero_shot +\+0\.90 +\[0\.\d\d, 0\.\d\d\] +60 +< 0\.001 +< 0\.001 +better", shown
    )
    assert "outside the family" in shown


def test_notes_stand_beside_the_verdicts(cell) -> None:
    made = compare(
        [cell("v", {"s": ones(0.5)})], Family(None, None, ("s",)), **ALL, notes=["test items were read"]
    )
    assert "Note: test items were read" in text(made)


HOSTILE = "[red]x[/red]\x1b[31m\x1b]0;t\x07\r\n\u202eevil\u200b\ud800"


def test_hostile_names_are_shown_not_obeyed(cell) -> None:
    cells = [cell(HOSTILE, {"s": ones(0.2)}, model=HOSTILE, dataset=HOSTILE), cell("b", {"s": ones(0.9)})]
    made = compare(
        cells, Family(None, None, ("s",)), **ALL | {"experiment": HOSTILE, "run": HOSTILE}, notes=[HOSTILE]
    )
    shown = io.StringIO()
    print_comparison(made, Console(file=shown, width=200, force_terminal=False), pairs=True)
    body = shown.getvalue()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b\ud800]", body)
    assert r"[red]x[/red]\x1b[31m\x1b]0;t\x07\r\n\u202eevil\u200b\ud800" in body


@pytest.mark.parametrize("ordinary", ["plain", "少样本提示", "é", "a b", "[red]"])
def test_ordinary_text_is_left_alone(ordinary: str) -> None:
    assert plain(ordinary) == ordinary


def printed(env: dict[str, str], *, tty: bool) -> bytes:
    code = (
        "import numpy as np, sys\n"
        "from rich.console import Console\n"
        "from promptlab.analysis import CellResult, Family, compare\n"
        "from promptlab.export import print_comparison\n"
        "z = np.arange(20); o = np.ones(20, bool)\n"
        "c = [CellResult(v, 'm', 'd', 20, 20, *[0] * 7, 5, 5, 0.0, 0, 0.0, 0.1, 0.2, z, z * 0, None, o,"
        " {'s': (z < k).astype(float)}) for v, k in (('a', 2), ('b', 19))]\n"
        "made = compare(c, Family(None, None, ('s',)), seed=0, status='complete', run='r', experiment='e',"
        " sent_calls=0)\n"
        f"print_comparison(made, Console(force_terminal=True) if {tty} else None)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM")} | env
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    ).stdout


def test_colours_only_at_a_terminal_and_never_under_no_color() -> None:
    assert b"\x1b[" not in printed({"TERM": "xterm-256color"}, tty=False)
    assert b"\x1b[1;32m" in printed({"TERM": "xterm-256color"}, tty=True)
    assert not re.search(
        rb"\x1b\[[\d;]*3[0-7]", printed({"TERM": "xterm-256color", "NO_COLOR": "1"}, tty=True)
    )


def test_an_ascii_terminal_gets_ascii() -> None:
    body = printed({"PYTHONIOENCODING": "ascii"}, tty=False)
    assert body.isascii()
    assert b"-o|" in body


def test_a_long_name_breaks_after_its_brackets_before_it_breaks_inside_a_number() -> None:
    assert fold("zero_shot[temperature=0.7, short]", 24) == ["zero_shot[", "temperature=0.7, short]"]
    assert fold("a name that fits", 9) == ["a name", "that fits"]
    assert fold("少样本提示词比较", 8) == ["少样本提", "示词比较"]
