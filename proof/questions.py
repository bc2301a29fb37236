"""What is asked: requests as they go over the wire, and the matches each one asks for.

Only played matches are asked for. They are answered as of their kick-off, so
that the answer does not depend on the hour.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final

import msgspec

SMALL_BATCH: Final = 20
LARGE_BATCH: Final = 100
LARGE_BYTES: Final = 100_000
_SINGLE: Final = "/v1/predictions/default/{match_id}"
_BATCH: Final = "/v1/predictions/batch/default"
_SHARES: Final = {"single": 0.65, "forced": 0.28, "batch": 0.065, "large": 0.005}
_POOL: Final = {"batch": 100, "large": 10}


class Question(msgspec.Struct, frozen=True):
    """Hold one request.

    Attributes:
        request: Head and body, for a connection that is kept.
        match_ids: In the order of the answers.
        is_batch: Whether the answer is a batch of them.
    """

    request: bytes
    match_ids: tuple[str, ...]
    is_batch: bool

    @property
    def closing(self) -> bytes:
        """Return the request for a connection that ends with it."""
        return self.request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


class Mix(msgspec.Struct, frozen=True):
    """Hold questions by kind, and how often each kind is asked.

    Attributes:
        questions: By kind: single ones, single ones to be computed anew, batches, batches of some 100 kB.
        shares: By kind; they sum to 1.
    """

    questions: dict[str, list[Question]]
    shares: dict[str, float]

    def drawn(self, draw: random.Random) -> Question:
        """Return one of them at random."""
        kind = draw.choices(list(self.shares), list(self.shares.values()))[0]
        return draw.choice(self.questions[kind])


def mix_of(match_ids: Sequence[str], seed: int, *, host: str, key: str = "") -> Mix:
    """Return what is asked of some matches; the same seed gives the same questions.

    Args:
        match_ids: Of played matches, at least as many as a large batch has.
        host: As the Host header names it.
        key: Of a caller, where the service asks for one.
    """
    host += f"\r\nAuthorization: Bearer {key}" if key else ""
    draw = random.Random(seed)  # noqa: S311 - a choice of matches keeps no secret
    questions = {
        "single": [_single(match_id, host, b"") for match_id in match_ids],
        "forced": [_single(match_id, host, b'{"force_recalculate":true}') for match_id in match_ids],
        "batch": [_batch(draw.sample(match_ids, SMALL_BATCH), host) for _ in range(_POOL["batch"])],
        "large": [
            _batch(draw.sample(match_ids, LARGE_BATCH), host, at_least=LARGE_BYTES) for _ in range(_POOL["large"])
        ],
    }
    return Mix(questions, dict(_SHARES))


def only_single(mix: Mix) -> Mix:
    """Return the single questions of a mix that an earlier answer may serve."""
    return Mix({"single": mix.questions["single"]}, {"single": 1.0})


def _single(match_id: str, host: str, body: bytes) -> Question:
    return Question(_request(_SINGLE.format(match_id=match_id), host, body), (match_id,), is_batch=False)


def _batch(match_ids: Sequence[str], host: str, at_least: int = 0) -> Question:
    """Return a batch, half of it to be computed anew; blanks between its items make it as long as is asked for."""
    items = [json.dumps({"match_id": one, "force_recalculate": place % 2 == 0}) for place, one in enumerate(match_ids)]
    blanks = " " * (-(-max(0, at_least - sum(map(len, items))) // len(items)))
    body = '{"requests":[' + f",{blanks}".join(items) + blanks + "]}"
    return Question(_request(_BATCH, host, body.encode()), tuple(match_ids), is_batch=True)


def _request(path: str, host: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
