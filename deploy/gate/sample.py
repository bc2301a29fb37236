"""What both servers are asked: what callers asked, and meetings of the store's teams where callers asked too little."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from deploy.gate.asking import Asker
from monitoring.recorded import recorded_in

_PAGES: Final = 4
_APART: Final = 500  # matches between two pages, so that teams of several competitions and weeks are among them
_LEAD: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Question:
    """Hold the body of a request for a prediction.

    Attributes:
        is_recorded: Whether a caller has sent it.
        is_past: Whether it may be about a time that a model has learned from. A server answers that only once it has
            replayed old matches, some seconds after it is ready.
    """

    body: Mapping[str, Any]
    is_recorded: bool = False
    is_past: bool = False

    @property
    def spelling(self) -> bytes:
        """Return it in one spelling, to tell whether two are the same."""
        return msgspec.json.encode(self.body, order="sorted")


def recorded_questions(folder: Path, most: int, trained_until: str) -> list[Question]:
    """Return the questions recorded in a folder, each once, the newest first.

    Args:
        trained_until: Of the model that has learned most; UTC, RFC 3339 with Z, as ``as_of`` is.
    """
    recorded = (
        Question(one.question, is_recorded=True, is_past=one.as_of < trained_until) for one in recorded_in(folder)
    )
    return distinct(recorded, most)


def meetings(ask: Asker, most: int) -> list[Question]:
    """Return questions about fixtures, and about teams that have met lately, as if they met again tomorrow."""
    now = dt.datetime.now(dt.UTC)
    coming = _page(ask, limit=max(most // _PAGES, 1), **{"from": _written(now)})
    total = _count(ask, status="played")
    offsets = sorted({max(total - page * _APART - most, 0) for page in range(_PAGES)})
    pages = [_page(ask, status="played", limit=most, offset=offset) for offset in offsets]
    played = [match for matches in zip_longest(*pages) for match in matches if match is not None]
    tomorrow = _written(now + _LEAD)
    again = [
        Question({name: match[name] for name in ("home_team", "away_team", "competition")} | {"kickoff": tomorrow})
        for match in played
    ]
    return distinct((*_by_id(coming, is_past=False), *again), most)


def played_since(ask: Asker, instant: str, most: int) -> list[Question]:
    """Return questions about the newest played matches that kicked off at or after an instant, as of their kick-offs."""
    total = _count(ask, status="played", **{"from": instant})
    found = _page(ask, status="played", limit=most, offset=max(total - most, 0), **{"from": instant})
    return _by_id(found, is_past=False)


def newest_played(ask: Asker, most: int) -> list[Question]:
    """Return questions about the newest played matches, as of their kick-offs."""
    total = _count(ask, status="played")
    return _by_id(_page(ask, status="played", limit=most, offset=max(total - most, 0)), is_past=True)


def distinct(questions: Iterable[Question], most: int) -> list[Question]:
    """Return the first so many questions that differ."""
    kept: dict[bytes, Question] = {}
    for question in questions:
        if len(kept) == most:
            break
        kept.setdefault(question.spelling, question)
    return list(kept.values())


def _by_id(matches: Sequence[Mapping[str, Any]], *, is_past: bool) -> list[Question]:
    return [Question({"match_id": match["match_id"]}, is_past=is_past) for match in matches if match["match_id"]]


def _count(ask: Asker, **query: object) -> int:
    page = _fixtures(ask, limit=1, **query)
    return int(page["total"]) if page else 0


def _page(ask: Asker, **query: object) -> list[Mapping[str, Any]]:
    page = _fixtures(ask, **query) if query["limit"] else None
    return list(page["matches"]) if page else []


def _fixtures(ask: Asker, **query: object) -> Any:
    return ask.get(f"/v1/fixtures?{urlencode(query)}").content


def _written(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
