"""Templates: strict, sandboxed, bounded."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptlab.basics.templates import Template, TemplateError, template


def test_a_template_knows_its_variables_and_renders_them() -> None:
    parsed = Template("{{ word }} and {% for x in items %}{{ x }}{% endfor %}")
    assert parsed.variables == {"word", "items"}
    assert parsed.render({"word": "a", "items": [1, 2]}) == "a and 12"


def test_equal_sources_are_parsed_once() -> None:
    assert template("{{ a }}!") is template("{{ a }}!")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ word.__init__.__globals__ }}",
        "{{ [].append(1) }}{{ items.append(1) }}",
        "{% for x in range(1000000) %}{% endfor %}",
        "{{ missing }}",
        "{{ 1 / 0 }}",
        "{{ word | nosuchfilter }}",
    ],
)
def test_what_a_prompt_has_no_business_with_is_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        Template(source).render({"word": "a", "items": [1]})


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("one\ntwo {{ three\n")
    assert caught.value.line >= 2


def test_an_enormous_text_is_refused() -> None:
    with pytest.raises(TemplateError, match="at most"):
        Template("{{ 'x' * 20000000 }}").render({})


def test_chinese_and_braces_in_values_are_left_alone() -> None:
    assert Template("问：{{ q }}").render({"q": "{{ 7 * 7 }} {% raw %}"}) == "问：{{ 7 * 7 }} {% raw %}"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(
    st.lists(
        st.sampled_from(["{{ a }}", "{{b}}", "{{- a -}}", "\n", " ", "x { ", "é", "{# c #}", "{{ a|upper }}"])
    ),
    st.dictionaries(st.sampled_from(["a", "b"]), st.text() | st.integers() | st.none()),
)
def test_the_short_way_of_plain_templates_leads_where_jinjas_does(
    parts: list[str], values: dict[str, Any]
) -> None:
    made = Template("".join(parts))
    try:
        expected = made._compiled.render(values)
    except jinja2.UndefinedError:
        with pytest.raises(TemplateError):
            made.render(values)
    else:
        assert made.render(values) == expected
