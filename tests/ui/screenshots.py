"""Writes docs/screenshots: every page in both languages and both themes, over the quickstart, run for real.

    python tests/ui/screenshots.py [FOLDER]

Needs Chromium and the embedded model. A FOLDER that holds a `home` with a quickstart's run is used as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from conftest import BROWSER_FLAGS, Tab, serving

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "screenshots"
QUICKSTART = "experiments/quickstart.yaml"
LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
THEMES = ("light", "dark")
# An answer of the embedded model, on a slow machine.
ANSWER_MS = 120_000


def at_the_doors(tab: Tab) -> None:
    """The first screen, also where somebody has asked before."""
    if not tab.at("door-local").count():
        tab.at("add-model").get_by_role("button").click()
    tab.at("door-local").wait_for()
    tab.settled()


def asked(tab: Tab) -> None:
    """The playground's example, answered."""
    if tab.at("door-local").count():
        tab.at("door-local").get_by_role("button").click()
    tab.at("ask").get_by_role("button").click()
    tab.at("follow").wait_for()
    tab.at("stop-all").wait_for(state="detached", timeout=ANSWER_MS)
    tab.settled()


def named(tab: Tab) -> None:
    """A rater's first pair."""
    tab.at("rater").get_by_role("textbox").fill("Ada")
    tab.at("rater").get_by_role("textbox").press("Enter")
    tab.page.locator("[class*='st-key-rate-left-']").first.wait_for()


PAGES: dict[str, tuple[str, Callable[[Tab], None] | None]] = {
    "doors": ("/playground", at_the_doors),
    "playground": ("/playground", asked),
    "experiments": ("/experiments", None),
    "experiment": (f"/experiments?file={QUICKSTART}", None),
    "results": ("/results", None),
    "answers": ("/results?view=answers", None),
    "rating": ("/rating", named),
    "data": ("/data?path=datasets/questions.jsonl", None),
    "models": ("/models", None),
}


def prepared(folder: Path) -> Path:
    """That folder with the shipped examples and the quickstart's run."""
    for name in ("experiments", "datasets"):
        if not (folder / name).exists():
            shutil.copytree(ROOT / name, folder / name)
    if not (folder / "home").exists():
        command = [sys.executable, "-m", "promptlab", "compare", QUICKSTART, "--quiet"]
        env = {**os.environ, "PROMPTLAB_HOME": str(folder / "home")}
        subprocess.run(command, cwd=folder, check=True, env=env, stdout=subprocess.DEVNULL)
    return folder


def draw(browser: Any, address: str) -> None:
    for language, locale in LANGUAGES.items():
        for theme in THEMES:
            for name, (path, prepare) in PAGES.items():
                tab = Tab(browser, address, locale=locale, theme=theme)
                tab.open(path)
                if prepare is not None:
                    prepare(tab)
                tab.page.wait_for_timeout(1500)  # for plots and tables, which draw themselves
                tab.page.screenshot(path=str(TARGET / f"{name}-{language}-{theme}.png"))
                tab.page.context.close()


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as made:
        folder = prepared(Path(sys.argv[1] if len(sys.argv) > 1 else made))
        with serving(folder) as (address, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
            draw(browser, address)
            browser.close()


if __name__ == "__main__":
    main()
