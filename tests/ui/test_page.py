"""The page over real runs: what it shows, what it says without any, and that hostile names stay text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import promptlab

SHIM = Path(__file__).resolve().parents[2] / "app.py"
APP = Path(promptlab.__file__).parent / "ui" / "app.py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMPTLAB_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_shim_at_the_root_shows_the_same_page(home: Path) -> None:
    page = AppTest.from_file(str(SHIM), default_timeout=60).run()
    assert not page.exception
    assert "promptlab demo" in page.info[0].value


def test_without_runs_the_page_says_what_to_do(home: Path) -> None:
    page = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not page.exception
    assert "promptlab demo" in page.info[0].value


def test_a_run_is_shown_with_its_verdict_cells_and_pairs(
    home: Path, hostile_run: Callable[[Path], None]
) -> None:
    hostile_run(home)
    page = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not page.exception
    cells, pairs = (frame.value for frame in page.dataframe)
    assert len(cells) == 2
    assert len(pairs) >= 1
    assert any("not distinguishable" in text.value for text in page.text)


def test_names_from_files_are_never_markdown(home: Path, hostile_run: Callable[[Path], None]) -> None:
    hostile_run(home)
    page = AppTest.from_file(str(APP), default_timeout=60).run()
    marked = [element.value for element in (*page.markdown, *page.subheader, *page.title, *page.caption)]
    assert not any("evil" in value or "script" in value or ":red" in value for value in marked)
