"""The pages over real runs: what they show, what they say without any, and that hostile names stay text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from promptlab.ui import served

SHIM = Path(__file__).resolve().parents[2] / "app.py"


def test_the_shim_at_the_root_serves_the_workbench(home: Path) -> None:
    assert SHIM.read_text() == Path(served.__file__).read_text()
    script = Path(served.__file__).with_name("app.py")
    assert not AppTest.from_file(str(script), default_timeout=60).run().exception


def test_without_runs_the_results_say_what_to_do(open_page: Callable[..., AppTest]) -> None:
    page = open_page("results")
    assert not page.exception
    assert "promptlab demo" in page.info[0].value


def test_names_from_files_are_never_markdown(
    home: Path, hostile_run: Callable[[Path], None], open_page: Callable[..., AppTest]
) -> None:
    hostile_run(home)
    page = open_page("results")
    marked = [element.value for element in (*page.markdown, *page.subheader, *page.title, *page.caption)]
    assert not any("![" in value or "<script" in value or ":red[" in value for value in marked)
