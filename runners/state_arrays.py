"""A feature state as plain arrays by name, and back: what can be read from a file without running any code of it.

The state's own class, which came with a verified model, says what is expected;
a file can only fill in numbers and texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]

_KEYS: Final = "#keys"


def arrays_of(state: object) -> dict[str, AnyArray]:
    """Return every number and text of an object and its parts, by their path.

    Raises:
        TypeError: If a part is neither an array, a number, a text, a tuple of texts, a dict nor an object of such parts.

    >>> class Table:
    ...     def __init__(self, goals, teams): self.goals, self.teams = goals, teams
    >>> sorted(arrays_of(Table(np.array([2.0]), {"Ajax": 1})).items())
    [('goals', array([2.])), ('teams', array([1])), ('teams#keys', array(['Ajax'], dtype='<U4'))]
    """
    return dict(_leaves("", state))


def filled(blank: Any, arrays: Mapping[str, AnyArray]) -> Any:
    """Return the object that arrays were made of.

    Args:
        blank: An object of the same class that knows nothing; it is filled and returned.
        arrays: As ``arrays_of`` made them.

    Raises:
        KeyError: If a part is not among the arrays.
    """
    return _filled("", blank, arrays)


def _leaves(path: str, thing: Any) -> Iterator[tuple[str, AnyArray]]:
    if isinstance(thing, np.ndarray | int | float | str | tuple):
        yield path, np.asarray(thing)
    elif isinstance(thing, dict) and not any(isinstance(value, np.ndarray) for value in thing.values()):
        yield path, np.array(list(thing.values()))
        yield path + _KEYS, np.array(list(thing))
    else:
        if not isinstance(thing, dict) and not hasattr(thing, "__dict__"):
            raise TypeError(f"{path or 'the state'} is a {type(thing).__name__}, which cannot be written as arrays")
        for name, part in _parts(thing).items():
            yield from _leaves(_below(path, name), part)


def _filled(path: str, blank: Any, arrays: Mapping[str, AnyArray]) -> Any:
    if isinstance(blank, np.ndarray):
        return arrays[path]
    if isinstance(blank, int | float | str):
        return type(blank)(arrays[path].item())
    if isinstance(blank, tuple):
        return tuple(arrays[path].tolist())
    if path + _KEYS in arrays:
        keys, values = arrays[path + _KEYS].tolist(), arrays[path].tolist()
        return dict(zip((tuple(key) if isinstance(key, list) else key for key in keys), values, strict=True))
    parts = {name: _filled(_below(path, name), part, arrays) for name, part in _parts(blank).items()}
    if isinstance(blank, dict):
        return parts
    vars(blank).update(parts)
    return blank


def _parts(thing: Any) -> dict[str, Any]:
    return thing if isinstance(thing, dict) else vars(thing)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
