"""The spelling of club names: folding what carries no meaning, and telling which names look alike.

Folding decides nothing by similarity; likeness only ever stops a registration
or fills an error message.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d", "ə": "e"})

# Only these are dropped: no two clubs of one city that we know differ in nothing else. SC, SV, AC, UD, CD and the
# like do tell clubs apart (CF Extremadura and Extremadura UD, AC and FC Lugano).
_LEGAL_FORMS = frozenset({"fc", "afc", "cf", "fk"})

# Words that many clubs share and that say nothing of which club is meant.
_GENERIC = frozenset(
    """
    academica albion alianza allianz america amateure argentino athletic athletico athletik atletic atletico balompie
    borussia bor calcio central city club clube county dinamo dynamo deportes deportiva deportivo eintracht espor
    estudiantes football foot fortuna futbol guarani hibernian independiente inter internacional juniors kickers lok
    lokomotiv lokomotive maccabi hapoel nacional national olimpia olympia olympique orient racing rangers rapid real
    rovers royal san saint santa spartak sport sportclub sporting sports spor sportivo sportverein stade standard sturm
    sud town turk union united unidos vereinigte viktoria victoria wanderers wacker wednesday young forest
    republic guinea islands new north south east west northern southern western eastern ireland and the
    """.split()  # noqa: SIM905 - a list of a hundred quoted words reads worse
)

_ALIKE_MOST = 20  # names that are looked at closely; whoever asks for teams that do not exist shall cost little
_CLOSE = 0.8  # difflib ratio; "bor monchengladbach" and "borussia monchengladbach" have 0.88


@lru_cache(maxsize=1 << 15)
def folded(name: str) -> str:
    """Return the name in lower case, without accents and punctuation.

    >>> folded("Bor. Mönchengladbach"), folded("Preußen Münster"), folded("Nott'm Forest")
    ('bor monchengladbach', 'preussen munster', 'nottm forest')
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^\w\s]|_", " ", re.sub(r"['’`´]", "", bare)).split())


@lru_cache(maxsize=1 << 15)
def core(name: str) -> str:
    """Return the folded name without FC, AFC, CF, FK and the "1." before FC; all of it if nothing would stay.

    >>> core("1. FC Köln"), core("FC Barcelona"), core("FC")
    ('koln', 'barcelona', 'fc')
    """
    text = re.sub(r"^1 (?=fc )", "", folded(name))
    kept = [word for word in text.split() if word not in _LEGAL_FORMS]
    return " ".join(kept) or folded(name)


def resembles(one: str, other: str) -> bool:
    """Say whether two names could mean one club, so that a person must decide.

    They do when they share a telling word of three letters or more, when a word of one abbreviates a word of the
    other, when one is the other's initials, or when they are spelled nearly alike.

    >>> resembles("Werder Bremen II", "Werder Bremen"), resembles("RB Leipzig", "Lok Leipzig")
    (True, True)
    >>> resembles("Bor. Mönchengladbach", "Borussia Mönchengladbach"), resembles("PSG", "Paris Saint-Germain")
    (True, True)
    >>> resembles("Manchester United", "Leeds United")
    False
    """
    first, second = core(one), core(other)
    if first == second or _initials(first) == second or _initials(second) == first:
        return True
    if any(_abbreviates(a, b) or _abbreviates(b, a) for a in _telling(first) for b in _telling(second)):
        return True
    return _alike(first, second) >= _CLOSE


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Return the most similar candidates, those that could be the same club first; only for messages."""
    target = core(name)

    def rank(candidate: str) -> tuple[bool, float, str]:
        return not resembles(name, candidate), -_alike(target, core(candidate)), candidate

    ranked = sorted(rank(candidate) for candidate in _promising(target, set(candidates)))
    return [candidate for far, likeness, candidate in ranked if not far or likeness < -0.5][:limit]


def _promising(target: str, candidates: set[str]) -> list[str]:
    """Return the few that are worth comparing letter by letter: by shared pairs of letters, and by initials."""
    pairs = _pairs(target)

    def shared(candidate: str) -> float:
        theirs = _pairs(core(candidate))
        return len(pairs & theirs) / (len(pairs) + len(theirs) or 1)

    initials = [one for one in candidates if target in (core(one), _initials(core(one)))]
    return [
        *initials,
        *heapq.nlargest(_ALIKE_MOST, candidates.difference(initials), key=lambda one: (shared(one), one)),
    ]


@lru_cache(maxsize=1 << 15)
def _pairs(text: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(text)))


@lru_cache(maxsize=1 << 15)
def _telling(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split() if len(word) >= 3 and word not in _GENERIC and not word.isdecimal())


def _abbreviates(short: str, long: str) -> bool:
    return long.startswith(short) or (long[-8:] == short[-8:] and len(short) >= 8)  # M'gladbach, Mönchengladbach


@lru_cache(maxsize=1 << 15)
def _initials(text: str) -> str:
    words = [word for word in text.split() if not word.isdecimal()]
    return "".join(word[0] for word in words) if len(words) > 1 else ""


def _alike(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() > 0.5 else 0.0
