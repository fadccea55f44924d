"""Every page as who cannot see it, or has no mouse, or holds a phone, finds it: measured in real Chromium."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile_runs import make_run
from PIL import Image
from playwright.sync_api import expect
from real_command import wait_until

from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# Both languages, both themes at both widths.
LOOKS = {"en-US": (("light", DESK), ("dark", PHONE)), "zh-CN": (("dark", DESK), ("light", PHONE))}
# What a drawing has replaced fades in the meantime, and comes back by a transition.
NOTHING_FADES = "() => !document.getAnimations().some((each) => each instanceof CSSTransition)"
TAGS = {"en-US": "en", "zh-CN": "zh-CN"}
MOST_STOPS = 250
LEAST_CONTRAST = 4.5  # WCAG 2.2, level AA


def answered(tab: Any) -> None:
    prompt = tab.at("prompt-text").locator("textarea")
    prompt.fill("Say hello.")
    prompt.press("Tab")
    tab.settled()
    tab.at("ask").locator("button").click()
    tab.at("follow").wait_for()
    tab.settled()
    tab.at("stop-all").wait_for(state="detached")  # with the last drawing, after all have answered
    tab.settled()


def named(tab: Any) -> None:
    tab.at("rater").locator("input").fill("Ann")
    tab.at("rater").locator("input").press("Enter")
    tab.at("rating-left").wait_for()


def seen(selector: str) -> Callable[[Any], None]:
    return lambda tab: tab.page.locator(selector).first.wait_for()


PAGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "playground": ("/playground", answered),
    "experiments": ("/experiments", seen(".st-key-open-0 button")),
    "experiment": ("/experiments?file=exp.yaml", seen(".st-key-f-task-prompt textarea")),
    "runs": ("/results?view=runs", seen(".st-key-results-runs-list table")),
    "comparison": ("/results", seen(".st-key-results-cells table")),
    "plots": ("/results?view=plots", seen(".st-key-results-plot-tokens svg.main-svg")),
    "answers": ("/results?view=answers&q=What+is+5", seen(".st-key-results-answers table")),
    "trial": ("/results?view=answers&sample=n3&trial={trial}", seen(".st-key-results-trial")),
    "rating": ("/rating", named),
    "data": ("/data?path=datasets/questions.jsonl", seen("[data-testid='stDataFrame']")),
    "models": ("/models", seen("[data-testid='stDataFrame']")),
}


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, workbench: Any, provider_in_a_thread: Any
) -> Iterator[str]:
    """A workbench over two runs with hostile names, the shipped examples, and an endpoint that answers."""
    folder = tmp_path_factory.mktemp("served")
    make_run(folder)
    make_run(folder, fresh=True, prompt="Please: {{ q }}")
    for name in ("experiments", "datasets"):
        shutil.copytree(ROOT / name, folder / name)
    provider_in_a_thread.reset()
    endpoints.save(folder / "home", [Endpoint("relay", provider_in_a_thread.openai, "", ("fake-1",))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))  # without the embedded model
        with workbench(folder) as (address, _):
            yield address


@pytest.fixture
def open_page(served: str, tab: Any) -> Callable[..., Any]:
    def opened(name: str, **looks: str) -> Any:
        path, ready = PAGES[name]
        made = tab(served, **looks)
        if "{trial}" in path:
            made.open("/results?view=answers&sample=n3")
            made.at("results-sample").get_by_role("button").first.click()
            made.at("results-trial").wait_for()
        else:
            made.open(path)
            ready(made)
        made.settled()
        # What moves is looked at where it ends.
        made.page.add_style_tag(content="* { transition: none !important; animation: none !important }")
        return made

    return opened


@pytest.mark.parametrize("locale", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    open_page: Callable[..., Any], name: str, locale: str
) -> None:
    opened = open_page(name, locale=locale, theme=LOOKS[locale][0][0])
    found = []
    for theme, size in LOOKS[locale]:
        opened.page.emulate_media(color_scheme=theme)
        opened.page.set_viewport_size(size)
        opened.page.wait_for_function(RIGHT_THEME, arg=theme)
        opened.settled()
        opened.page.wait_for_function(NOTHING_FADES)
        found += [f"{theme} {size['width']}: {each}" for each in violations(opened.page)]
        wait_until(fits(opened.page, size["width"]), "the page itself scrolls sideways")
        if size is DESK:
            found += [f"cut off: {each}" for each in opened.page.evaluate(CUT_OFF)]
    assert not found, "\n".join(found)
    expect(opened.page.locator("html")).to_have_attribute("lang", TAGS[locale])


def fits(page: Any, width: int) -> Callable[[], bool]:
    return lambda: page.evaluate(WIDEST) <= width


def violations(page: Any) -> list[str]:
    """What axe objects to, a line each."""
    told = Axe().run(page).response
    objected = [(each["id"], node) for each in told["violations"] for node in each["nodes"]]
    undecided = [(each["id"], node) for each in told["incomplete"] for node in each["nodes"]]
    return [
        f"{rule} {node['target']} {node['html'][:160]} {' '.join(node['failureSummary'].split())[:300]}"
        for rule, node in [*objected, *(each for each in undecided if not is_fine(page, *each))]
    ]


def is_fine(page: Any, rule: str, node: Any) -> bool:
    """What axe cannot decide is decided here; nothing is let pass for its kind alone."""
    places = [each for part in node["target"] for each in ([part] if isinstance(part, str) else part)]
    element = page.locator(" ".join(places)).first  # also through shadow roots
    if rule == "aria-prohibited-attr":  # a chosen option's label, which may be ignored: it says what is shown
        return bool(element.get_attribute("aria-label") == element.inner_text().strip())
    if rule == "color-contrast":  # of charts all texts are measured, in a test of their own
        of_chart = "<text" in node["html"] or "<tspan" in node["html"]
        return of_chart or bool(element.evaluate(IS_EMPTY_FIELD)) or is_readable(page, element)
    return False


# It says nothing yet, and may lie across the chips beside it until something is typed.
IS_EMPTY_FIELD = "each => each.tagName === 'INPUT' && !each.value && !each.placeholder"


def is_readable(page: Any, element: Any) -> bool:
    """Whether the text's colour stands out from the pixels behind it."""
    element.scroll_into_view_if_needed()
    colour = element.evaluate("each => getComputedStyle(each).color.match(/[\\d.]+/g).map(Number)")
    element.evaluate("each => each.style.setProperty('color', 'transparent', 'important')")
    behind = Image.open(io.BytesIO(element.screenshot())).convert("RGB")
    element.evaluate("each => each.style.removeProperty('color')")
    shades = pixels(behind, [0, 0, behind.width - 1, behind.height - 1])
    return min(contrast([*colour, 1.0][:4], shade) for shade in shades) >= LEAST_CONTRAST


RIGHT_THEME = """theme => {
  const shade = getComputedStyle(document.querySelector("[data-testid='stApp']")).backgroundColor
  return (shade === "rgb(255, 255, 255)") === (theme === "light")
}"""
WIDEST = """() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth,
  ...[...document.querySelectorAll("main")]
    .map((main) => main.scrollWidth - main.clientWidth + innerWidth))"""
CUT_OFF = """() => [...document.querySelectorAll("[data-testid='stApp'] *")].filter((each) => {
  const style = getComputedStyle(each)
  return style.overflowX === "hidden" && style.textOverflow === "ellipsis" && each.innerText?.trim()
    && each.scrollWidth > each.clientWidth + 1 && each.getClientRects().length
}).map((each) => each.innerText)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_texts_of_charts_stand_out_from_what_is_behind_them(
    open_page: Callable[..., Any], theme: str
) -> None:
    opened = open_page("plots", theme=theme)
    page = opened.page
    height = page.evaluate("document.querySelector('main').scrollHeight")
    page.set_viewport_size({"width": 1280, "height": height + 100})
    texts = opened.still(CHART_TEXTS)  # plotly draws anew
    assert len(texts) > 40
    page.add_style_tag(content="svg text { visibility: hidden !important }")
    behind = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    poor = {}
    for text, colour, box in texts:
        ratios = sorted(contrast(colour, shade) for shade in pixels(behind, box))
        # A grid line or the edge of a bar may cross it.
        if ratios[len(ratios) // 10] < LEAST_CONTRAST:
            poor[text] = ratios[len(ratios) // 10]
    assert not poor


CHART_TEXTS = """() => [...document.querySelectorAll("[data-testid='stPlotlyChart'] svg text")]
  .filter((each) => each.textContent.trim() && each.getClientRects().length)
  .map((each) => {
    const box = each.getBoundingClientRect()
    const [r, g, b, a] = getComputedStyle(each).fill.match(/[\\d.]+/g).map(Number)
    return [each.textContent, [r, g, b, a ?? 1], [box.left, box.top, box.right, box.bottom]]
  })"""


def pixels(image: Image.Image, box: list[float]) -> list[tuple[int, int, int]]:
    cut = image.crop((int(box[0]), int(box[1]), int(box[2]) + 1, int(box[3]) + 1)).tobytes()
    return list(zip(cut[::3], cut[1::3], cut[2::3], strict=True))


def contrast(colour: list[float], behind: tuple[int, int, int]) -> float:
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of the relative luminances."""
    alpha = colour[3]
    blended = [alpha * one + (1 - alpha) * other for one, other in zip(colour, behind, strict=False)]
    lighter, darker = sorted((luminance(blended), luminance(behind)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Any) -> float:
    parts = [each / 255 for each in colour]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", PAGES)
def test_each_stop_of_the_tab_key_is_seen(open_page: Callable[..., Any], name: str) -> None:
    page = open_page(name, theme="dark" if len(name) % 2 else "light").page
    page.evaluate(LOOK_AT_FOCUS)
    stops: list[str] = []
    unseen = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop, was_seen = page.evaluate("focusLook()")
        if not was_seen:
            unseen.append(stops[-1])
        if stop is not None and stops and stop == stops[0]:
            break
        stops += [stop] if stop is not None else []
    else:
        pytest.fail(f"no way round the page in {MOST_STOPS} stops: {stops[-3:]}")
    assert len(stops) > 12
    assert not unseen


LOOK_AT_FOCUS = """() => {
  const look = (each) => {
    const style = getComputedStyle(each)
    const outline = style.outlineStyle === "none" ? "" : style.outline
    return [outline, style.boxShadow, style.borderColor, style.backgroundColor].join("|")
  }
  // A table on a canvas draws a frame around its cell there, and Tab goes from cell to cell.
  const drawsItself = (each) => each.closest("canvas") !== null
  // Where a focus may be drawn: on the element, what holds it, and the shape that stands for a hidden input.
  const around = (each) => {
    const found = [each, ...(each.parentElement?.children ?? [])]
    let above = each
    for (let level = 0; level < 4 && above; level++) {
      above = above.parentElement ?? above.getRootNode().host
      if (!above || above === document.body) break
      found.push(above)
    }
    return [...found, ...(each.closest("label")?.querySelectorAll("*") ?? [])]
  }
  let last = null
  window.focusLook = () => {
    const changed = () => last.places.some((each, at) => look(each) !== last.looks[at])
    const seen = last === null || drawsItself(last.places[0]) || changed()
    let stop = document.activeElement
    while (stop?.shadowRoot?.activeElement) stop = stop.shadowRoot.activeElement
    if (!stop || stop === document.body || stop.tagName === "HTML") return [null, seen]
    const places = around(stop)
    last = { places, looks: places.map(look) }
    const key = stop.closest("[class*='st-key-']")?.className.match(/st-key-\\S+/)?.[0] ?? ""
    const told = stop.getAttribute("aria-label") ?? stop.innerText ?? ""
    return [`${stop.tagName} ${key} ${told}`.slice(0, 90), seen]
  }
}"""


def test_the_table_of_results_is_reached_and_used_without_a_mouse(open_page: Callable[..., Any]) -> None:
    opened = open_page("comparison")
    page = opened.page
    page.evaluate(LOOK_AT_FOCUS)
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop, _ = page.evaluate("focusLook()")
        if stop is not None and "zero_shot" in stop:
            break
    page.keyboard.press("Enter")
    opened.at("results-answers").get_by_text("40 / 60 right").wait_for()
