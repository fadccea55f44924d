"""`promptlab ui` in real Chromium: every page opens, in both languages, and asks nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptlab.ui.app import PAGES

pytestmark = pytest.mark.browser


def test_the_workbench_opens_and_hostile_names_ask_nobody(
    workbench: Any, tab: Any, tmp_path: Path, hostile_run: Callable[[Path], None]
) -> None:
    hostile_run(tmp_path)
    with workbench(tmp_path) as (address, _):
        opened = tab(address)
        page = opened.open("/results")
        page.get_by_text("not distinguishable").first.wait_for()


def test_every_page_opens_in_both_languages(workbench: Any, tab: Any, tmp_path: Path) -> None:
    with workbench(tmp_path) as (address, _):
        for locale in ("en-US", "zh-CN"):
            opened = tab(address, locale=locale)
            for name in PAGES:
                page = opened.open(f"/{name}")
                assert page.locator("[data-testid='stException']").count() == 0, (name, locale)
            page.get_by_text("数据集" if locale == "zh-CN" else "Data sets").first.wait_for()
