"""Plots say what the comparison says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import plotly.graph_objects as go
import pytest

from promptlab.analysis import CellResult, Family, compare, compare_run
from promptlab.analysis.counted import Count, counts_of
from promptlab.basics.errors import UsageError
from promptlab.cli.plot import PLOTS as OFFERED
from promptlab.export import figure, figures, write_picture
from promptlab.export.plots import PLOTS
from promptlab.export.score_plots import pareto
from promptlab.runs import RunDirectory


def test_every_plot_is_one_that_plotly_takes(finished_run: RunDirectory) -> None:
    drawn = figures(compare_run(finished_run))
    assert list(PLOTS) == list(OFFERED)
    assert list(drawn) == [each for each in PLOTS if each != "counts"]  # one number of demos is no curve
    for each in drawn.values():
        go.Figure(each)  # raises for a property that is not there


def test_intervals_are_asymmetric_and_those_of_the_comparison(finished_run: RunDirectory) -> None:
    comparison = compare_run(finished_run)
    good, bad = figure("scores", comparison)["data"]
    assert (good["name"], bad["name"]) == ("good", "bad_&lt;i&gt;one&lt;/i&gt;")
    for variant, mean, above, below in zip(
        good["x"], good["y"], good["error_y"]["array"], good["error_y"]["arrayminus"], strict=True
    ):
        found = next(
            cell.scores["yes_no"].interval
            for cell in comparison.cells
            if (cell.result.variant, cell.result.model) == (variant, "good")
        )
        assert found is not None
        assert mean == found.mean
        assert mean + above == pytest.approx(found.high)
        assert mean - below == pytest.approx(found.low)
    assert good["error_y"]["array"] != good["error_y"]["arrayminus"]


def test_the_heat_map_holds_every_cell_with_its_n(finished_run: RunDirectory) -> None:
    (trace,) = figure("heatmap", compare_run(finished_run))["data"]
    assert [len(row) for row in trace["z"]] == [2, 2, 2]
    assert trace["text"][2][0] == "1.00<br>n = 50"


def test_wins_and_losses_mirror_each_other_and_add_up(finished_run: RunDirectory) -> None:
    trace = figure("wins", compare_run(finished_run))["data"][0]
    for row, texts in enumerate(trace["text"]):
        for column, text in enumerate(texts):
            if row == column:
                continue
            won, tied, lost = map(int, text.split(" / "))
            assert won + tied + lost == 50
            assert trace["text"][column][row] == f"{lost} / {tied} / {won}"


def test_a_curve_joins_variants_that_differ_only_in_their_number_of_demos(
    cell: Callable[..., CellResult],
) -> None:
    def variant(demos: int, **settings: Any) -> tuple[Count, ...]:
        shown = {"demos": {"count": demos, "select": "random"}}
        return counts_of({"technique": "few_shot", "settings": {**shown, **settings}})

    def made(name: str, right: int, counts: tuple[Count, ...] = ()) -> CellResult:
        return replace(cell(name, {"s": [1.0] * right + [0.0] * (4 - right)}), counts=counts)

    def drawn(cells: list[CellResult]) -> dict[str, Any]:
        family = Family(None, None, ("s",))
        status = {"status": "complete", "run": "r", "experiment": "e", "sent_calls": 0}
        return figure("counts", compare(cells, family, seed=0, **status))

    cells = [
        made("eight", 3, variant(8)),
        made("two", 2, variant(2)),
        made("another", 1, variant(4, politely=True)),
        made("none", 0),
    ]
    (trace,) = drawn(cells)["data"]
    assert (trace["name"], trace["x"], trace["y"]) == ("few_shot, m", [2, 8], [0.5, 0.75])
    assert trace["error_y"]["array"] != trace["error_y"]["arrayminus"]
    with pytest.raises(UsageError, match="nothing to draw for 'counts'"):
        drawn(cells[1:])


def test_failures_are_shares_of_all_trials(finished_run: RunDirectory) -> None:
    drawn = figure("failures", compare_run(finished_run))
    unparsed = next(trace for trace in drawn["data"] if trace["name"] == "unparsed")
    counts = [count or 0 for count in unparsed["text"]]
    assert unparsed["y"] == [count / 50 for count in counts]
    assert sum(counts) > 0


def test_the_pareto_front_is_what_no_other_beats_in_both() -> None:
    points = [(1.0, 0.5), (2.0, 0.4), (3.0, 0.9), (3.0, 0.8), (4.0, 0.9), (0.5, 0.1)]
    assert pareto(points) == [(0.5, 0.1), (1.0, 0.5), (3.0, 0.9)]


def test_a_page_with_a_plot_holds_plotly_itself(finished_run: RunDirectory, tmp_path: Path) -> None:
    write_picture(figure("cost", compare_run(finished_run)), tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert len(text) > 1_000_000
    assert 'src="http' not in text


@pytest.mark.browser
@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")])
def test_pictures_are_drawn_by_the_browser_that_is_there(
    finished_run: RunDirectory,
    tmp_path: Path,
    missing: Callable[[str], NoReturn],
    ending: str,
    begins: bytes,
) -> None:
    pytest.importorskip("kaleido")
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        missing("Chromium on the path")
    write_picture(figure("scores", compare_run(finished_run)), tmp_path / f"out.{ending}")
    content = (tmp_path / f"out.{ending}").read_bytes()
    assert content.startswith(begins)
    assert len(content) > 3_000


def test_without_a_browser_one_line_says_what_helps(
    finished_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    drawn = figure("scores", compare_run(finished_run))
    with pytest.raises(UsageError, match=r"no Chrome or Chromium.*Install Chromium, or plot to out\.html"):
        write_picture(drawn, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_an_unknown_plot_and_an_unknown_ending_name_the_nearest(
    finished_run: RunDirectory, tmp_path: Path
) -> None:
    comparison = compare_run(finished_run)
    with pytest.raises(UsageError, match=r"no plot 'score'\. Did you mean 'scores'"):
        figure("score", comparison)
    with pytest.raises(UsageError, match=r"unknown ending '\.pgn'.*'\.png'"):
        write_picture(figure("scores", comparison), tmp_path / "out.pgn")
