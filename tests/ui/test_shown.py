"""Text from outside: as it is where a page shows it, without effect where it was asked for as Markdown."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from promptlab.ui.shown import escaped, visible

HOSTILE = "<script>x</script> <img src=http://evil/x onerror=y> ![a](http://evil/i.png) :red[x] \u202egnp"


def shown(call: str) -> AppTest:
    page = AppTest.from_string(
        f"from promptlab.ui.shown import *\ntext = {HOSTILE!r}\n{call}", default_timeout=60
    )
    return page.run()


def test_a_reordering_mark_is_spelled_out_and_lines_stay_lines() -> None:
    assert visible("a\u202eb\nc\td") == "a\\u202eb\nc    d"


@pytest.mark.parametrize("mark", ["![", ":red[", "<img", "](", "`", "$"])
def test_in_a_message_no_mark_keeps_its_meaning(mark: str) -> None:
    assert not re.search(rf"(?<!\\){re.escape(mark)}", escaped(f"a{mark}x"))


@pytest.mark.parametrize("name", ["answer_instruction", "gpt-4o_mini", "提示_词"])
def test_a_name_is_read_out_as_it_is_written(name: str) -> None:
    assert escaped(name) == name


@pytest.mark.parametrize("text", ["_a_ b", "a __b__", "- a", "---", "a_ b_"])
def test_marks_around_words_are_escaped(text: str) -> None:
    assert not re.search(r"(?<!\\)[_-]", escaped(text).replace("\\\\", ""))


def test_model_text_is_code_without_a_language() -> None:
    page = shown("model_text(text, key='t')")
    assert page.code[0].language in ("", "plaintext", None)
    assert "<script>" in page.code[0].value
    assert "\u202e" not in page.code[0].value


def test_markdown_on_request_loads_no_image_and_knows_no_directive() -> None:
    page = shown("model_markdown(text)")
    assert "![" not in page.markdown[0].value
    assert "<" not in page.markdown[0].value
    assert ":red[" not in page.markdown[0].value.replace("\\:red[", "")


def test_a_long_text_is_cut_and_can_be_had_whole() -> None:
    page = AppTest.from_string(
        "from promptlab.ui.shown import *\nmodel_text('x' * 1_000_000, key='t')", default_timeout=60
    ).run()
    assert len(page.code[0].value) == 20_000
    assert "1,000,000" in page.caption[0].value
