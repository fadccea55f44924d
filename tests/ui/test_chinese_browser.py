"""The workbench under 中文 in a real browser: every page, with real content, and no English sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import promptlab
from promptlab.runs import latest_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(500)]
WAIT_MS = 60_000
# Four English words in a row are a sentence that nobody translated.
ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’]*(?:[ ,;:]+[A-Za-z][A-Za-z'’]*){3,}")
# What people and models wrote, and what commands and libraries are called.
THEIRS = re.compile(
    r"What is the (plural|capital)|Reply with|The plural of|Incorrect API key provided|SmolLM2"
    r"|Let's think step|promptlab \w+|pip install"
)
SHOWN = """() => {
  const found = [];
  const look = (root) => {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (node.textContent.trim()) found.push(node.textContent.trim());
      } else if (node.nodeType === Node.ELEMENT_NODE) {
        if (["SCRIPT", "STYLE", "NOSCRIPT"].includes(node.tagName)) continue;
        if (node.dataset.testid === "stCode" || !node.checkVisibility({visibilityProperty: true})) continue;
        if (node.placeholder) found.push(node.placeholder);
        if (node.shadowRoot) look(node.shadowRoot);
        look(node);
      }
    }
  };
  look(document.body);
  return found;
}"""

STUDY = """\
name: plurals
datasets:
  - {{path: data.jsonl, target: a, name: plurals}}
task: {{prompt: "What is the plural of {{{{ q }}}}?", answer: text}}
models: [scripted/script.yaml]
variants:
  - zero_shot
  - {{technique: few_shot, demos: 2}}
  - {{technique: self_consistency, samples: 3}}
  - {{name: wide, technique: self_consistency, samples: 5}}
breakdown: [kind]
"""
FAILING = """\
name: refused
dataset: {{path: data.jsonl, target: a}}
task: {{prompt: "What is the plural of {{{{ q }}}}?", answer: text}}
models:
  - {{id: openai/fake-1, name: relay, api_base: "{base}", api_key_env: LOOP_KEY}}
variants: [zero_shot]
"""
BROKEN = STUDY.replace("answer: text", "answer: txet")


@pytest.fixture
def study(tmp_path: Path, fake_provider: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished run, one that failed, a broken experiment and a broken data file."""
    monkeypatch.setenv("LOOP_KEY", "sk-wrong")
    fake_provider.control(key="sk-right")
    rows = [{"q": f"word{n % 38}", "a": f"word{n % 38}s", "kind": "ab"[n % 2]} for n in range(40)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "ragged.csv").write_text("q,a\nfox,foxes\nox,oxen,oxes\n")
    (tmp_path / "script.yaml").write_text(
        '- {contains: "word1", reply: ""}\n- {regex: "of (word[2-9]+)[?]", reply: "{{ match[1] }}s"}\n'
        "- {default: 'I do not know'}\n"
    )
    (tmp_path / "study.yaml").write_text(STUDY.format())
    (tmp_path / "failing.yaml").write_text(FAILING.format(base=fake_provider.openai))
    (tmp_path / "broken.yaml").write_text(BROKEN.format())
    assert promptlab.load(tmp_path / "study.yaml", home=tmp_path / "home").run().status == "complete"
    assert promptlab.load(tmp_path / "failing.yaml", home=tmp_path / "home").run().status == "failed"
    return tmp_path


def english_on(t: Any, name: str) -> list[str]:
    """The English sentences that the page shows now."""
    t.page.wait_for_timeout(1_500)  # charts and tables draw themselves
    if folder := os.environ.get("PROMPTLAB_LOOK"):
        t.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        height = t.page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight || 900")
        t.page.set_viewport_size({"width": 1280, "height": min(6000, height + 100)})
        t.page.wait_for_timeout(500)
        t.page.screenshot(path=f"{folder}/{name}.png")
        t.page.set_viewport_size({"width": 1280, "height": 900})
    found = []
    for text in t.page.evaluate(SHOWN):
        found += [
            f"{name}: {match.group()!r} in {text[:200]!r}"
            for match in ENGLISH.finditer(THEIRS.sub("…", text))
        ]
    return found


def test_no_page_shows_an_english_sentence(
    study: Path, workbench: Any, tab: Callable[..., Any], fake_provider: Any
) -> None:
    found: list[str] = []
    runs = {name: latest_run(study / "home", name).id for name in ("plurals", "refused")}
    with workbench(study) as (address, _):
        t = tab(address, locale="zh-CN")
        t.page.set_default_timeout(WAIT_MS)

        def look(name: str, path: str = "") -> None:
            if path:
                t.open(path)
            found.extend(english_on(t, name))

        look("playground", "/playground")
        look("experiments", "/experiments")
        look("experiment", f"/experiments?file={study / 'study.yaml'}")
        look("broken", f"/experiments?file={study / 'broken.yaml'}")
        look("failing", f"/experiments?file={study / 'failing.yaml'}")
        look("results", "/results")
        for view in ("comparison", "answers", "plots", "runs", "files"):
            look(f"results-{view}", f"/results?view={view}&run={runs['plurals']}")
        look("refused", f"/results?view=answers&run={runs['refused']}")
        look("rating", "/rating")
        look("data", "/data?path=data.jsonl")
        look("ragged", "/data?path=ragged.csv")
        look("models", "/models")
    assert not found, "\n".join(found)
