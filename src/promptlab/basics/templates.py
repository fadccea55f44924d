"""Prompt templates: sandboxed Jinja, parsed once, strict about missing variables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import PromptlabError

if TYPE_CHECKING:
    import jinja2.nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_RENDERED_CHARS = 10_000_000
_MAX_RANGE = 100_000


class TemplateError(PromptlabError):
    """A template cannot be parsed or rendered. `line` counts within the template, from 1."""

    def __init__(self, message: str, *, line: int = 1, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.line = line


def _bounded_range(*args: int) -> range:
    from jinja2.exceptions import SecurityError

    numbers = range(*args)
    if len(numbers) > _MAX_RANGE:
        raise SecurityError(f"range() of {len(numbers)} steps; at most {_MAX_RANGE}")
    return numbers


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    """Made for the first template: a stored run is compared without Jinja."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=False, cache_size=0
    )
    environment.globals = {"range": _bounded_range}
    return environment


class Template:
    """One parsed template. Equal source, equal template."""

    __slots__ = ("_compiled", "_parts", "source", "variables")

    def __init__(self, source: str) -> None:
        """Parses `source`; TemplateError names the line where it cannot be."""
        import jinja2.meta

        self.source = source
        try:
            tree = _environment().parse(source)
            self.variables: frozenset[str] = frozenset(jinja2.meta.find_undeclared_variables(tree))
            self._parts = _plain_parts(tree)
            self._compiled = _environment().from_string(source)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(f"template syntax: {error.message}", line=error.lineno) from None
        except (RecursionError, MemoryError) as error:
            raise TemplateError("template is nested too deeply", line=1) from error

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for `values`. A missing variable or an unsafe step is a TemplateError."""
        text = self._joined(values) or self._rendered(values)
        if len(text) > MAX_RENDERED_CHARS:
            raise TemplateError(f"template renders to {len(text)} characters; at most {MAX_RENDERED_CHARS}")
        return text

    def _rendered(self, values: Mapping[str, Any]) -> str:
        import jinja2

        try:
            return self._compiled.render(values)
        except jinja2.UndefinedError as error:
            raise TemplateError(f"template: {error.message}", line=1) from None
        except jinja2.exceptions.SecurityError as error:
            raise TemplateError(f"template does what the sandbox forbids: {error}", line=1) from None
        except Exception as error:
            raise TemplateError(f"template failed: {type(error).__name__}: {error}", line=1) from error

    def _joined(self, values: Mapping[str, Any]) -> str:
        """What Jinja would make of text and variables that are all there and are text; else ""."""
        if self._parts is None:
            return ""
        pieces = []
        for is_name, part in self._parts:
            piece = values.get(part) if is_name else part
            if type(piece) is not str:
                return ""
            pieces.append(piece)
        return "".join(pieces)


def _plain_parts(tree: jinja2.nodes.Template) -> list[tuple[bool, str]] | None:
    """(whether it is a variable, its name or the text) of a template of nothing else, as most are."""
    import jinja2.nodes

    parts: list[tuple[bool, str]] = []
    for node in tree.body:
        for piece in node.nodes if isinstance(node, jinja2.nodes.Output) else [node]:
            if isinstance(piece, jinja2.nodes.TemplateData):
                parts.append((False, piece.data))
            elif isinstance(piece, jinja2.nodes.Name) and piece.name not in _environment().globals:
                parts.append((True, piece.name))
            else:
                return None
    return parts


@lru_cache(maxsize=1024)
def template(source: str) -> Template:
    """The parsed template of that source, from memory where it was parsed before."""
    return Template(source)
