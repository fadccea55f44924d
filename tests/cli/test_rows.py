"""Rows on a terminal: no word is broken where that can be helped, and none is cut off."""

from __future__ import annotations

import pytest

from promptlab.cli.rows import print_rows

RUN = {"run": "moods-20261122-100438-812c", "started": "2026-11-22 10:04", "status": "complete", "n": 3}


@pytest.mark.parametrize("width", [70, 80, 120])
def test_words_stay_whole_where_they_fit(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_rows([{**RUN, "answer": "a long answer that has to be laid out on several lines", "score": None}])
    shown = capsys.readouterr().out
    assert all(len(line) <= width for line in shown.splitlines())
    expected = {*RUN, RUN["run"], "2026-11-22", "10:04", "complete", "several", "score", "-"}
    assert expected <= set(shown.split())


def test_what_does_not_fit_is_folded_and_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    row = {f"column_{index}": str(index) * 12 for index in range(6)}
    print_rows([row])
    shown = capsys.readouterr().out
    assert all(shown.count(str(index)) >= 12 for index in range(6))
