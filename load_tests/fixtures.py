"""The matches that can be asked for, read page by page over HTTP."""

from __future__ import annotations

import json
import random
from http.client import HTTPConnection
from typing import Any

PAGE = 1_000
FULL = b'{"prediction_type":"probability"}'  # every market block
SEED = 20261124
USUAL = ("played", "scheduled")  # one that was abandoned is looked back at from its day, which takes seconds
BATCH_PATH = "/v1/predictions/predict/batch"


def match_ids(port: int, *, most: int, status: str | None = None) -> list[str]:
    """Return ids of dated matches, played or to come, in an order that is shuffled and always the same.

    Args:
        port: Of the service on 127.0.0.1.
        most: How many at most.
        status: Only these, such as ``"scheduled"``.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    ids: list[str] = []
    offset: int | None = 0
    query = f"&status={status}" if status else ""
    while offset is not None and len(ids) < most:
        page = _get(connection, f"/v1/fixtures?limit={PAGE}&offset={offset}{query}")
        ids += [match["match_id"] for match in page["matches"] if match.get("kickoff") and match["status"] in USUAL]
        offset = page["next_offset"]
    connection.close()
    ids = ids[:most]
    random.Random(SEED).shuffle(ids)
    return ids


def path_of(match_id: str) -> str:
    """Return the path that predicts a match."""
    return f"/v1/predictions/default/{match_id}"


def batch_bodies(
    ids: list[str], size: int = 100, *, prediction_type: str | None = None, is_computed: bool = False
) -> list[bytes]:
    """Return bodies that ask for all matches, ``size`` at a time, from the cache or computed anew."""
    extra: dict[str, Any] = {"prediction_type": prediction_type} if prediction_type else {}
    if is_computed:
        extra["force_recalculate"] = True
    groups = [ids[start : start + size] for start in range(0, len(ids) - size + 1, size)]
    return [json.dumps({"requests": [{"match_id": i} | extra for i in group]}).encode() for group in groups]


def hot_sequence(ids: list[str], *, length: int, hot_share: float = 0.8, hot_matches: float = 0.2) -> list[str]:
    """Return a sequence in which a share of the asks goes to a share of the matches.

    >>> hot = hot_sequence([str(i) for i in range(10)], length=1_000)
    >>> 0.75 < sum(i in ("0", "1") for i in hot) / 1_000 < 0.85
    True
    """
    draw = random.Random(SEED)
    cut = max(1, round(len(ids) * hot_matches))
    return [draw.choice(ids[:cut] if draw.random() < hot_share else ids[cut:]) for _ in range(length)]


def _get(connection: HTTPConnection, path: str) -> Any:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ValueError(f"GET {path} answered {answer.status}, expected 200: {body[:300]!r}")
    return json.loads(body)
