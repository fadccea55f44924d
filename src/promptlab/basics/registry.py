"""Names to classes: built-ins, entry points and `file.py:Class`, all registered the same way."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar, cast

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import file_digest

T = TypeVar("T")

# Before the hash of a user's own file, in the name of the module that it becomes.
USER_MODULE = "promptlab_user_"


# Why Python files that an experiment names are not loaded in this process; empty: they are.
_refused = ""


def refuse_own_code(remedy: str) -> None:
    """From now on this process loads no Python file that an experiment names; `remedy` is said instead."""
    global _refused
    _refused = remedy


def own_code_refused() -> bool:
    """Whether `refuse_own_code` was called."""
    return bool(_refused)


class Registry(Generic[T]):
    """A registry of one kind of plugin.

    `kind` is the noun used in messages ("technique"); `builtins` maps each built-in's name to the module
    that registers it on import, so that asking for one name imports one module; `group` is the
    entry-point group through which other packages add theirs.
    """

    def __init__(self, kind: str, base: type, builtins: dict[str, str], group: str) -> None:
        self.kind = kind
        self._base = base
        self._builtins = builtins
        self._group = group
        self._classes: dict[str, type[T]] = {}

    def add(self, name: str, cls: type[T]) -> type[T]:
        """Registers `cls` under `name`; the same name twice is an error."""
        known = self._classes.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise UsageError(f"two {self.kind}s are named {name!r}: {known.__module__} and {cls.__module__}.")
        self._classes[name] = cls
        return cls

    def get(self, name: str, *, folder: Path | None = None) -> type[T]:
        """The class of that name. `my_file.py:Mine` is loaded from `folder`. Unknown: the nearest names."""
        if ".py:" in name:
            return self._from_file(name, folder or Path.cwd())
        if name not in self._classes and name in self._builtins:
            importlib.import_module(self._builtins[name])
        if name not in self._classes:
            self._load_entry_points(name)
        if name in self._classes:
            return self._classes[name]
        raise UsageError(f"unknown {self.kind} {name!r}.", remedy=did_you_mean(name, self.names()))

    def names(self) -> list[str]:
        """All names, sorted. Imports nothing."""
        import importlib.metadata  # seldom needed, and it brings the parsing of mails along

        points = importlib.metadata.entry_points(group=self._group)
        return sorted({*self._builtins, *self._classes, *(point.name for point in points)})

    def __iter__(self) -> Iterator[tuple[str, type[T]]]:
        for name in self.names():
            yield name, self.get(name)

    def _load_entry_points(self, name: str) -> None:
        import importlib.metadata

        for point in importlib.metadata.entry_points(group=self._group, name=name):
            self._checked(name, point.load(), point.value)
            if name not in self._classes:
                self._classes[name] = point.load()

    def _from_file(self, name: str, folder: Path) -> type[T]:
        file_name, _, class_name = name.rpartition(":")
        path = (folder / file_name).resolve()
        if not path.is_file():
            raise UsageError(f"{self.kind} {name!r}: there is no file {path}.")
        if _refused:
            raise UsageError(f"{self.kind} {name!r} is a Python file, and none is run here.", remedy=_refused)
        module_name = f"{USER_MODULE}{file_digest(path)[:16]}"
        module = sys.modules.get(module_name)
        if module is None:
            found = importlib.util.spec_from_file_location(module_name, path)
            assert found is not None
            module = importlib.util.module_from_spec(found)
            sys.modules[module_name] = module
            try:
                # Never from a compiled module: it counts as current where a file of the same size was
                # changed within the second, and the hash in the name would then be that of other code.
                exec(compile(path.read_bytes(), path, "exec"), module.__dict__)
            except Exception as error:
                del sys.modules[module_name]
                raise UsageError(f"{self.kind} {name!r}: {path} cannot be imported: {error!r}.") from error
        cls = getattr(module, class_name, None)
        if cls is None:
            names = [key for key, value in vars(module).items() if isinstance(value, type)]
            raise UsageError(f"{path} has no class {class_name!r}.", remedy=did_you_mean(class_name, names))
        return self._checked(name, cls, str(path))

    def _checked(self, name: str, cls: object, origin: str) -> type[T]:
        if not (isinstance(cls, type) and issubclass(cls, self._base)):
            raise UsageError(f"{self.kind} {name!r} from {origin} is not a {self._base.__name__}.")
        return cast("type[T]", cls)


def matching_names(given: Iterable[str], known: Iterable[str], what: str) -> list[str]:
    """The known names that are meant: each given one itself, else all that a matrix made of it (`NAME[…]`).

    UsageError, with the nearest: `what` (an experiment, a run) has no such name.
    """
    names = list(dict.fromkeys(known))
    found: list[str] = []
    for each in given:
        meant = [each] if each in names else [name for name in names if name.startswith(f"{each}[")]
        if not meant:
            raise UsageError(f"{what} {each!r}.", remedy=did_you_mean(each, names))
        found += meant
    return list(dict.fromkeys(found))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy: the nearest of the known names, else the list of them."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(each) for each in near)}?"
    if not names:
        return "There is none."
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"Known: {shown}."
