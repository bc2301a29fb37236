"""What a feature transform computes, as a digest of its code.

A transform travels with its model by value, so two models have two classes of
one name. Whether they do the same is told by their bytecode and constants, not
by the name, the version or the identity of a class.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

_PLAIN: Final = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), np.generic)
_WRAPPED: Final = (staticmethod, classmethod)


def arithmetic_of(thing: object) -> str:
    """Return the SHA-256, in hex, of the code that an object's class can reach within its own package.

    Code of other packages counts by its name. Equal digests mean equal code; the
    reverse need not hold, as where a constant has no lasting spelling.
    """
    package = type(thing).__module__.partition(".")[0]
    digest = hashlib.sha256()
    for part in _Walk(package).of(type(thing)):
        digest.update(f"{part}\n".encode())
    return digest.hexdigest()


class _Walk:
    """Spell code out, each function and class where it is first met."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._met: dict[int, int] = {}
        self._kept: list[object] = []  # an object that went could give its id to another one

    def of(self, thing: Any) -> Iterator[str]:
        """Spell one object out."""
        if isinstance(thing, _PLAIN):
            yield f"{type(thing).__name__} {thing!r}"
        elif id(thing) in self._met:
            yield f"met {self._met[id(thing)]}"
        else:
            self._met[id(thing)] = len(self._met)
            self._kept.append(thing)
            yield from self._spelled(thing)

    def _spelled(self, thing: Any) -> Iterator[str]:
        if isinstance(thing, types.CodeType):
            yield f"code {thing.co_name} {thing.co_code.hex()} {thing.co_names} {thing.co_varnames} {thing.co_freevars}"
            yield from self._each(thing.co_consts)
        elif isinstance(thing, types.FunctionType):
            yield from self._function(thing)
        elif isinstance(thing, _WRAPPED):
            yield type(thing).__name__
            yield from self.of(thing.__func__)
        elif isinstance(thing, property):
            yield "property"
            yield from self._each((thing.fget, thing.fset, thing.fdel))
        elif isinstance(thing, type):
            yield from self._class(thing)
        elif isinstance(thing, tuple | list):
            yield f"{type(thing).__name__} of {len(thing)}"
            yield from self._each(thing)
        elif isinstance(thing, set | frozenset):
            yield f"set {sorted(map(repr, thing))}"
        elif isinstance(thing, dict):
            yield f"dict of {len(thing)}"
            yield from self._each([part for pair in thing.items() for part in pair])
        elif isinstance(thing, np.ndarray):
            yield f"array {thing.dtype} {thing.shape} {hashlib.sha256(thing.tobytes()).hexdigest()}"
        else:
            name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
            yield f"{type(thing).__name__} {getattr(thing, '__module__', '')} {name or repr(thing)}"

    def _each(self, things: Any) -> Iterator[str]:
        for thing in things:
            yield from self.of(thing)

    def _function(self, function: types.FunctionType) -> Iterator[str]:
        if not self._is_own(function):
            yield f"function {function.__module__}.{function.__qualname__}"
            return
        yield f"function {function.__qualname__}"
        yield from self.of(function.__code__)
        yield from self._each((function.__defaults__, function.__kwdefaults__))
        yield from self._each(cell.cell_contents for cell in function.__closure__ or ())
        for name in sorted(_names(function.__code__)):
            if name in function.__globals__:
                yield f"global {name}"
                yield from self.of(function.__globals__[name])

    def _class(self, cls: type) -> Iterator[str]:
        yield f"class {cls.__module__}.{cls.__qualname__}"
        if not self._is_own(cls):
            return
        yield from self._each(cls.__bases__)
        for name, value in sorted(vars(cls).items()):
            is_code = isinstance(value, types.FunctionType | property | _WRAPPED[0] | _WRAPPED[1])
            if is_code or not name.startswith("__"):
                yield f"attribute {name}"
                yield from self.of(value)

    def _is_own(self, thing: Any) -> bool:
        return (thing.__module__ or "").partition(".")[0] == self._package


def _names(code: types.CodeType) -> set[str]:
    """Return the names that a function looks up outside itself, those of the functions within it included."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return set(code.co_names).union(*(_names(const) for const in inner))
