"""What served when, from the journal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any


def previous_tag(journal: Iterable[Mapping[str, Any]], kept: Collection[str]) -> str | None:
    """Return the newest kept bento that served before the one that serves; None if there is none.

    A bento that was rolled back from is not gone back to.

    >>> def served(tag, why): return {"what": "serving", "tag": tag, "why": f"{why} of {tag}"}
    >>> journal = [served("a", "release"), served("b", "release"), served("c", "release"), served("b", "rollback")]
    >>> previous_tag(journal, ["a", "b", "c"])
    'a'
    """
    stack: list[str] = []
    for event in journal:
        if event["what"] != "serving":
            continue
        tag = str(event["tag"])
        if str(event["why"]).startswith("rollback") and tag in stack:
            del stack[stack.index(tag) + 1 :]
        else:
            stack = [*(one for one in stack if one != tag), tag]
    earlier = [tag for tag in stack[:-1] if tag in kept]
    return earlier[-1] if earlier else None
