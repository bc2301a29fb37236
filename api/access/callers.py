"""Who a request comes from, by the key that it carries.

The file of keys is looked at once a second, so that a key that was added or revoked counts in every worker within two.
A file that cannot be read changes nothing: the last keys stay. If there were none, or the file holds none, nobody gets in.
"""

from __future__ import annotations

import datetime as dt
import hmac
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from api.access.keys import CallerKey, KeysUnreadable, digest_of, read_keys
from api.access.scopes import Scope
from api.headers import Headers, header

log = logging.getLogger("football.access")

LOOKED_AT_EVERY_S: Final = 1.0
_BEARER: Final = b"bearer "
_NOBODY: Final = digest_of("")
_LONGEST_KEY: Final = 200
_Stamp = tuple[int, int, int]


class Callers:
    """Know the callers of one worker.

    Args:
        file: Of the keys; it need not be there.
        deployer: A secret that the deployer shares with the servers it starts, empty for none; it opens the metrics.
        clock: In seconds, never going back.
    """

    def __init__(
        self,
        file: Path,
        *,
        deployer: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._file, self._clock, self._now = file, clock, now
        self._deployer = deployer
        self._by_id: dict[str, CallerKey] = {}
        self._seen: dict[bytes, CallerKey] = {}  # by the text they sent: what was right once need not be hashed again
        self._stamp: _Stamp | None = None
        self._looks_at = -1.0
        self._look()

    @property
    def are_required(self) -> bool:
        """Return whether a request needs a key: wherever there is a file of them, were it empty, or has been one."""
        if self._clock() >= self._looks_at:
            self._look()
        return self._stamp is not None or bool(self._by_id)

    def of(self, headers: Headers) -> CallerKey | None:
        """Return the key that a request carries; None if it carries none, or one that is unknown, revoked or expired."""
        sent = key_in(headers)
        if sent is None:
            return None
        known = self._seen.get(sent)
        if known is None:
            known = self._recognised(sent)
            if known is None:
                return None
            self._seen[sent] = known
        return None if known.is_over(self._now()) else known

    def _recognised(self, sent: bytes) -> CallerKey | None:
        if len(sent) > _LONGEST_KEY or not sent.isascii():
            return None
        key_id, _, secret = sent.decode().partition("_")
        known = self._by_id.get(key_id)
        # An unknown id takes as long as a wrong secret.
        is_right = hmac.compare_digest(digest_of(secret), known.digest if known else _NOBODY)
        return known if is_right and secret else None

    def _look(self) -> None:
        self._looks_at = self._clock() + LOOKED_AT_EVERY_S
        stamp = _stamp_of(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            keys = read_keys(self._file)
        except KeysUnreadable as error:
            log.error("the keys of callers cannot be read; those known before stay", extra={"reason": str(error)})  # noqa: TRY400 - the reason says it all
            return
        if stamp is None:
            log.error("the file of keys is gone; those known before stay", extra={"file": str(self._file)})
            return
        self._by_id = {key.id: key for key in keys}
        if self._deployer:
            own_id, _, secret = self._deployer.partition("_")
            self._by_id[own_id] = CallerKey(own_id, "deployer", digest_of(secret), (Scope.METRICS,), self._now())
        self._seen = {}
        log.info("keys of callers read", extra={"keys": len(keys)})


def key_in(headers: Headers) -> bytes | None:
    """Return the text of a key as a request carries it, None if it carries none."""
    sent = header(headers, b"authorization")
    if sent is not None and sent[: len(_BEARER)].lower() == _BEARER:
        return sent[len(_BEARER) :].strip()
    return header(headers, b"x-api-key")


def _stamp_of(file: Path) -> _Stamp | None:
    """Return what changes when a file does; None where there is none."""
    try:
        told = os.stat(file)  # noqa: PTH116 - half the time of Path.stat, once a second in the way of a request
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
