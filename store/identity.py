"""Which match a row speaks of.

A match is a pairing of a season at one ground, and a leg number where the
pairing is played more than once there. Dates, rounds and sources may change;
the identity does not.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_ID_LENGTH = 16  # 80 bits of the hash: two of a million matches meet with a chance of 4e-13
_FAR_APART_S = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Appointment:
    """Say when a pairing meets: the source's round, the kick-off in epoch seconds, and whether it is over."""

    round: str | None
    kickoff: int | None
    is_played: bool

    @property
    def day(self) -> int | None:
        """Return the UTC date as days since 1970-01-01, None where unknown."""
        return None if self.kickoff is None else self.kickoff // 86_400


def match_id(competition: str, season: str, home: str, away: str, leg: int) -> str:
    """Return the stable id of a match: 16 characters of a-z and 2-7.

    >>> match_id("de.1", "2015-16", "de:Bayern München", "de:Hamburger SV", 1)
    'ksw57kz7wtx5tcux'
    """
    digest = hashlib.sha256("|".join((competition, season, home, away, str(leg))).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_ID_LENGTH]


def round_number(name: str | None) -> int | None:
    """Return the number of a numbered round, None for a named one.

    >>> round_number("Matchday 7"), round_number("Final")
    (7, None)
    """
    digits = re.findall(r"\d+", name or "")
    return int(digits[-1]) if digits else None


def is_repeat(one: Appointment, other: Appointment) -> bool:
    """Say whether two rows of one file and pairing tell of the same match: same round, or same date."""
    return _same_round(one, other) or _same_day(one, other)


def playing_order(rows: Sequence[Appointment]) -> list[int]:
    """Return the indices of rows of one pairing in the order in which they are played.

    By round number if every row has one, then by kick-off (unknown ones last), then by the name of the round.
    """
    numbers = [round_number(row.round) for row in rows]
    numbered = all(number is not None for number in numbers)

    def key(index: int) -> tuple[int, int, str]:
        row = rows[index]
        number = numbers[index] if numbered else None
        return number or 0, 2**62 if row.kickoff is None else row.kickoff, row.round or ""

    return sorted(range(len(rows)), key=key)


def assign_legs(rows: Sequence[Appointment], stored: Sequence[tuple[int, Appointment]]) -> list[int]:
    """Return the leg of each row of one pairing, given the legs that the store has; no two rows share one.

    The rule, each step over the rows in playing order and over the legs still free:
    1. the leg of the same round; 2. the leg of the same date;
    3. if one leg only is not yet played, that one for the first row; then the leg nearest in time -
       but not a leg that is played when the row is played too, under another round, more than 30 days apart:
       those are two matches;
    4. the next new leg number.
    """
    legs: list[int | None] = [None] * len(rows)
    free = dict(stored)
    order = playing_order(rows)
    for same in (_same_round, _same_day):
        for index in order:
            if legs[index] is None:
                legs[index] = next((leg for leg in sorted(free) if same(rows[index], free[leg])), None)
                free.pop(legs[index] or 0, None)
    next_leg = max((leg for leg, _ in stored), default=0) + 1
    for index in order:
        if legs[index] is not None:
            continue
        found = _nearest(rows[index], free)
        legs[index] = next_leg if found is None else found
        next_leg += found is None
        free.pop(legs[index] or 0, None)
    return [leg for leg in legs if leg is not None]


def _nearest(row: Appointment, free: dict[int, Appointment]) -> int | None:
    possible = [leg for leg in sorted(free) if not _two_matches(row, free[leg])]
    unplayed = [leg for leg in possible if not free[leg].is_played]
    if len(unplayed) == 1:
        return unplayed[0]
    return min(possible, key=lambda leg: _distance_s(row, free[leg]), default=None)


def _same_round(one: Appointment, other: Appointment) -> bool:
    return one.round is not None and one.round == other.round


def _same_day(one: Appointment, other: Appointment) -> bool:
    return one.day is not None and one.day == other.day


def _two_matches(row: Appointment, leg: Appointment) -> bool:
    differ = row.round is not None and leg.round is not None and row.round != leg.round
    return row.is_played and leg.is_played and differ and _distance_s(row, leg) > _FAR_APART_S


def _distance_s(one: Appointment, other: Appointment) -> int:
    if one.kickoff is None or other.kickoff is None:
        return 0
    return abs(one.kickoff - other.kickoff)
