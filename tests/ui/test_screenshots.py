"""The pictures in the READMEs: every page, in both languages and themes."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptlab.ui.app import PAGES

ROOT = Path(__file__).resolve().parents[2]
PICTURES = sorted((ROOT / "docs" / "screenshots").glob("*.png"))


def test_every_page_has_a_picture_in_each_language_and_theme() -> None:
    names = {path.stem for path in PICTURES}
    wanted = {
        f"{page}-{code}-{theme}" for page in PAGES for code in ("en", "zh") for theme in ("light", "dark")
    }
    assert wanted <= names


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_every_picture_is_shown(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert [path.name for path in PICTURES if f"](docs/screenshots/{path.name})" not in text] == []
