"""The workbench under 中文 in a real browser: every page, with real content, and no English sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import promptlab
from promptlab.runs import latest_run

pytestmark = pytest.mark.browser
# Four English words in a row are a sentence that nobody translated.
ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’]*(?:[ ,;:]+[A-Za-z][A-Za-z'’]*){3,}")
# What people and models wrote, and what commands and libraries are called.
THEIRS = re.compile(
    r"What is the (plural|capital)|Reply with|The plural of|Incorrect API key provided|SmolLM2"
    r"|I do not know|Let's think step|promptlab \w+|pip install|CSV(?:, [A-Z]+)+"
)
# What a tooltip or a button is called by Streamlit: a word that begins like this, and no Chinese.
OWN_WORD = re.compile(
    r"(?:Error: )?[A-Z][a-z]{2,}[^\u4e00-\u9fff]*|Press .*|.* (?:icon|per file)|(?:Help|Remove|Add) .*"
)
# What people, files and models are called, and the switch of languages.
NAMES = re.compile(r"Ada|English|Let's think step by step\..*|Reply with.*|What is .*|Ctrl.*")
CHROME = """() => {
  const found = [];
  const own = "[data-testid='stTooltipContent'], [data-testid='stTooltipErrorContent'], #portal, "
    + "[data-testid='stFileUploader'], [data-testid='InputInstructions'], [data-testid$='Dropdown'], "
    + "[data-testid='stNumberInput'] [role='alert'], .gdg-search-bar, [data-testid='stStatusWidget'], "
    + "[data-testid^='stBaseButton'], [data-testid='stSkipToContent']";
  for (const each of document.querySelectorAll("body *")) {
    for (const name of ["aria-label", "title", "placeholder", "data-title"]) {
      if (each.getAttribute(name)) found.push(each.getAttribute(name).trim());
    }
    if (!each.closest(own) || each.closest("[data-testid='stIconMaterial']")) continue;
    for (const node of each.childNodes) {
      if (node.nodeType === Node.TEXT_NODE && node.data.trim()) found.push(node.data.trim());
    }
  }
  return found;
}"""
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
    (tmp_path / "again.yaml").write_text(
        STUDY.format().replace("plurals\n", "again\n", 1).replace("samples: 5", "samples: 4")
    )
    assert promptlab.load(tmp_path / "again.yaml", home=tmp_path / "home").run().status == "complete"
    assert promptlab.load(tmp_path / "failing.yaml", home=tmp_path / "home").run().status == "failed"
    return tmp_path


class Looks:
    """A tab under 中文 that collects the English sentences of the pages it shows."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.found: list[str] = []

    def __call__(self, name: str, path: str = "") -> None:
        """At what is shown, or at that address."""
        if path:
            self.tab.open(path)
        self.tab.settled()
        self.found += english_on(self.tab, name)


@pytest.fixture
def opened(study: Path, workbench: Any, tab: Callable[..., Any]) -> Iterator[tuple[Any, Looks]]:
    """A tab of the workbench over the study. At the end no English sentence may have been seen."""
    with workbench(study) as (address, _):
        look = Looks(tab(address, locale="zh-CN"))
        yield look.tab, look
    assert not look.found, "\n".join(look.found)


@pytest.fixture
def runs(study: Path) -> dict[str, str]:
    """The latest run of each experiment."""
    return {name: latest_run(study / "home", name).id for name in ("plurals", "again", "refused")}


def started(t: Any, path: str) -> None:
    """Estimates and starts that experiment, and waits until its run has ended."""
    t.open(path)
    t.page.get_by_role("radio", name="运行").click()
    t.settled()
    t.at("estimate-now").get_by_role("button").click()
    t.page.locator(".st-key-start button:enabled").click()
    t.at("run-panel").get_by_text("运行信息").wait_for()
    t.settled()


def english_on(t: Any, name: str) -> list[str]:
    """The English sentences that the page shows now, and the English words on its buttons and hints."""
    t.page.wait_for_function("document.documentElement.lang === 'zh-CN'")
    shown = t.still(SHOWN)
    if folder := os.environ.get("PROMPTLAB_LOOK"):
        t.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        height = t.page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight || 900")
        t.page.set_viewport_size({"width": 1280, "height": min(6000, height + 100)})
        t.page.wait_for_timeout(500)
        t.page.screenshot(path=f"{folder}/{name}.png")
        t.page.set_viewport_size({"width": 1280, "height": 900})
    found = []
    for text in shown:
        found += [
            f"{name}: {match.group()!r} in {text[:200]!r}"
            for match in ENGLISH.finditer(THEIRS.sub("…", text))
        ]
    return found + [f"{name}: {each!r}" for each in own_words(t)]


def own_words(t: Any) -> list[str]:
    """The names of buttons, tooltips and hints that are English."""
    told = {" ".join(each.split()) for each in t.page.evaluate(CHROME)}
    return sorted(each for each in told if OWN_WORD.fullmatch(each) and not NAMES.fullmatch(each))


def test_pages_with_notes_charts_and_errors(
    opened: tuple[Any, Looks], runs: dict[str, str], study: Path
) -> None:
    _, look = opened
    look("broken", f"/experiments?file={study / 'broken.yaml'}")
    for view in ("comparison", "plots"):
        look(f"results-{view}", f"/results?view={view}&run={runs['plurals']}")
    look("refused", f"/results?view=answers&run={runs['refused']}")
    look("ragged", "/data?path=ragged.csv")


def test_streamlits_own_words_are_chinese(opened: tuple[Any, Looks], study: Path) -> None:
    t, look = opened
    t.open("/data?path=data.jsonl")
    t.at("data-upload").get_by_text("上传文件").click()
    look("uploader")
    table = t.page.get_by_test_id("stDataFrame").first
    table.hover()
    for name in ("显示或隐藏列", "下载为 CSV", "搜索", "全屏"):
        table.hover()
        t.page.get_by_role("button", name=name, exact=True).first.hover()
        t.page.get_by_test_id("stTooltipContent").get_by_text(name).wait_for()
        look(f"tooltip {name}")
    t.page.get_by_role("button", name="搜索", exact=True).first.click()
    t.page.get_by_text("输入以搜索").wait_for()
    look("search in a table")
    t.page.get_by_role("button", name="关闭搜索").click()
    open_a_columns_menu(t, table)
    t.page.get_by_role("menuitem", name="统计").hover()
    t.page.get_by_text("不同值").last.wait_for()
    look("menu of a column")
    t.page.keyboard.press("Escape")
    t.at("data-file").locator("input").click()
    t.at("data-file").locator("input").fill("zzz")
    t.page.get_by_text("没有匹配项").wait_for()
    look("nothing to choose")
    t.open(f"/experiments?file={study / 'study.yaml'}")
    t.at("f-new-models").locator("input").click()
    t.page.keyboard.type("some/model")
    t.page.get_by_text("添加：some/model").wait_for()
    look("a new one")
    t.page.keyboard.press("Escape")
    repeats = t.at("f-repeats").locator("input")
    repeats.fill("-5")
    t.at("f-repeats").get_by_text("按 Enter 确认").wait_for()
    look("a number typed")
    repeats.press("Enter")
    t.at("f-repeats").get_by_text("错误：请输入").wait_for()
    look("a number too small")


def test_back_in_english_streamlits_words_are_its_own_again(study: Path, workbench: Any, tab: Any) -> None:
    (study / "odd.csv").write_text("Search,Fullscreen\nUpload,Running...\n")
    with workbench(study) as (address, _):
        t = tab(address, locale="zh-CN")
        t.open("/data?path=odd.csv")
        t.at("data-upload").get_by_text("上传文件").click()
        t.page.get_by_text("每个文件不超过").wait_for()
        preview = t.page.get_by_test_id("stDataFrame").last.locator("canvas table")
        assert "Fullscreen" in preview.text_content(), "what a file says stays as it is"
        t.at("language").get_by_text("English").click()
        t.page.get_by_text("MB per file").wait_for()
        t.settled()
        assert t.page.evaluate("document.documentElement.lang") == "en"
        left = [each for each in t.page.evaluate(CHROME) if re.search("[\u4e00-\u9fff]", each)]
        assert left == ["Language / 语言"]


def open_a_columns_menu(t: Any, table: Any) -> None:
    """By its button at the right of the head, which is drawn: it is looked for."""
    box = table.locator("canvas").first.bounding_box()
    menu = t.page.get_by_test_id("stDataFrameColumnMenu")
    for x in range(60, 400, 10):
        t.page.mouse.move(box["x"] + x, box["y"] + 17)
        t.page.mouse.click(box["x"] + x, box["y"] + 17)
        if menu.count():
            return
    pytest.fail("no column has a menu")


@pytest.mark.long
def test_experiments_and_a_run_whose_key_is_refused(opened: tuple[Any, Looks], study: Path) -> None:
    t, look = opened
    look("experiments", "/experiments")
    look("experiments-new", "/experiments?new=starter")
    look("experiment", f"/experiments?file={study / 'study.yaml'}")
    t.page.get_by_role("radio", name="YAML").click()
    t.settled()
    t.at("yaml").locator("textarea").fill("name: [")
    t.at("yaml").locator("textarea").press("Control+Enter")
    t.settled()
    look("experiment-yaml")
    look("broken", f"/experiments?file={study / 'broken.yaml'}")
    started(t, f"/experiments?file={study / 'failing.yaml'}")
    look("failing-run")


@pytest.mark.long
def test_results_down_to_the_call(opened: tuple[Any, Looks], runs: dict[str, str]) -> None:
    t, look = opened
    look("results", "/results")
    for view in ("answers", "files"):
        look(f"results-{view}", f"/results?view={view}&run={runs['plurals']}")
    t.open(f"/results?view=plots&run={runs['plurals']}")
    t.at("results-plot-failures-table").get_by_text("以表格显示").click()
    look("results-plots-table")
    t.open(f"/results?view=comparison&run={runs['plurals']}")
    for each in ("按 kind 细分", "值得一看"):
        t.page.get_by_text(each).click()
    look("results-comparison-open")
    t.open(f"/results?view=answers&run={runs['plurals']}")
    t.at("results-answers").get_by_role("button", name="详情").nth(2).click()
    t.at("results-trial").wait_for()
    look("results-trial")
    look("refused", f"/results?view=answers&run={runs['refused']}")
    t.at("results-answers").get_by_role("button", name="详情").first.click()
    t.at("results-trial").wait_for()
    look("refused-trial")
    look(
        "runs-beside",
        f"/results?view=runs&run={runs['plurals']}&runs={runs['plurals']}&runs={runs['again']}",
    )


@pytest.mark.long
def test_ratings_and_data_sets(opened: tuple[Any, Looks], runs: dict[str, str]) -> None:
    t, look = opened
    t.open(f"/rating?run={runs['plurals']}")
    t.at("rater").locator("input").fill("Ada")
    t.at("rater").locator("input").press("Enter")
    t.at("rating-buttons").wait_for()
    t.settled()
    t.page.locator("[class*='st-key-rate-left-']").first.click()
    t.settled()
    look("rating")
    t.at("rating-view").get_by_text("结果").click()
    t.settled()
    t.at("rating-import").get_by_text("导入").first.click()
    look("rating-results")
    t.open("/data?path=data.jsonl")
    t.at("data-upload").get_by_text("上传文件").click()
    look("data")
    for view in ("样本", "重复检查", "建立实验"):
        t.at("data-view").get_by_text(view).click()
        t.settled()
        if view == "重复检查":
            t.at("check-look").get_by_role("button").click()
            t.settled()
        look(f"data-{view}")


@pytest.mark.long
def test_a_wrong_key_at_an_endpoint_and_in_the_playground(
    opened: tuple[Any, Looks], fake_provider: Any
) -> None:
    t, look = opened
    look("models", "/models")
    t.open("/models?view=endpoints")
    t.at("endpoint-name").get_by_role("textbox").fill("relay")
    t.at("endpoint-address").get_by_role("textbox").fill(fake_provider.openai)
    t.at("endpoint-variable").get_by_role("textbox").fill("LOOP_KEY")
    t.at("endpoint-save").get_by_role("button").click()
    t.settled()
    t.at("endpoint-model-relay").locator("input").fill("fake-1")
    look("models-choosing")
    t.at("endpoint-model-relay").locator("input").press("Enter")
    t.at("test-endpoint").get_by_role("button").click()
    t.page.get_by_test_id("stAlert").last.wait_for()
    t.settled()
    look("models-endpoint")
    t.open("/playground")
    t.at("models").locator("input").fill("fake-1")
    t.page.get_by_role("option", name=re.compile("relay")).first.click()
    t.page.keyboard.press("Escape")
    t.settled()
    t.at("ask").get_by_role("button").click()
    t.page.get_by_test_id("stAlert").last.wait_for()
    t.settled()
    look("playground-refused")
