"""From a decoded request to the question the runners answer; what contradicts itself is refused here."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from msgspec import UNSET, UnsetType

from api.errors import Code, Refusal
from api.requests import PredictionRequest
from runners.queries import DescribedMatch, PredictionQuery

T = TypeVar("T")

DESCRIBING_FIELDS = ("home_team", "away_team", "competition", "kickoff", "neutral_venue")
NEEDED_TO_DESCRIBE = ("home_team", "away_team", "competition")


def query_of(
    request: PredictionRequest, *, root: str = "$", model_name: str | None = None, match_id: str | None = None
) -> PredictionQuery:
    """Return the question of a request.

    Args:
        request: As decoded.
        root: Where the request stands in the body, for the path of a refusal.
        model_name: The model that the URL names; the body may repeat it but not contradict it.
        match_id: The match that the URL names, likewise.

    Raises:
        Refusal: 422 if the request names no match, two, or half of one, or contradicts the URL.
    """
    matched = _agreed("match_id", request.match_id, match_id, root)
    return PredictionQuery(
        match_id=matched,
        described=_described(request, root, is_known=matched is not None),
        model_name=_agreed("model_name", request.model_name, model_name, root) or "default",
        model_version=request.model_version,
        prediction_type=request.prediction_type,
        overrides=request.features or {},
        explain=request.explain,
        as_of=None if request.as_of is None else in_utc(request.as_of, path=f"{root}.as_of"),
    )


def in_utc(moment: dt.datetime, *, path: str) -> dt.datetime:
    """Return the same instant in UTC. Raises Refusal (422) if it lies outside the years 1 to 9999 there."""
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError as error:
        raise Refusal(
            Code.INVALID_REQUEST,
            f"The time {moment.isoformat()} at {path} lies outside the years 1 to 9999 in UTC. Send one inside.",
            path=path,
        ) from error


def given(value: T | UnsetType, default: T) -> T:
    """Return a field's value, or the default where the caller left it out."""
    return default if isinstance(value, UnsetType) else value


def _agreed(field: str, in_body: str | UnsetType, in_url: str | None, root: str) -> str | None:
    if isinstance(in_body, UnsetType):
        return in_url
    if in_url is not None and in_body != in_url:
        raise Refusal(
            Code.INVALID_REQUEST,
            f"The body says {field} {in_body!r}, the URL says {in_url!r}. Leave it out of the body, or say the same.",
            path=f"{root}.{field}",
        )
    return in_body


def _described(request: PredictionRequest, root: str, *, is_known: bool) -> DescribedMatch | None:
    named = [field for field in DESCRIBING_FIELDS if getattr(request, field) is not UNSET]
    if is_known:
        if named:
            raise Refusal(
                Code.INVALID_REQUEST,
                f"The match is named by its id and described by {', '.join(named)} as well. Keep one of the two.",
                path=f"{root}.{named[0]}",
            )
        return None
    for field in NEEDED_TO_DESCRIBE:
        if getattr(request, field) is UNSET:
            raise _names_no_match(field, named, root)
    kickoff = given(request.kickoff, None)
    return DescribedMatch(
        home_team=given(request.home_team, ""),
        away_team=given(request.away_team, ""),
        competition=given(request.competition, ""),
        kickoff=None if kickoff is None else in_utc(kickoff, path=f"{root}.kickoff"),
        is_neutral_venue=given(request.neutral_venue, False),
    )


def _names_no_match(missing: str, named: list[str], root: str) -> Refusal:
    what = f"describes a match by {', '.join(named)} but not by {missing}" if named else "names no match"
    return Refusal(
        Code.INVALID_REQUEST,
        f"The request {what}. Send match_id, or home_team, away_team and competition.",
        path=f"{root}.{missing if named else 'match_id'}",
    )
