"""Lets a request in or not, before its body is read or anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

from api.access.callers import Callers, key_in
from api.access.keys import CallerKey
from api.access.rates import Rates
from api.access.scopes import Scope
from api.access.shares import Shares
from api.errors import Code, Refusal

WRONG_KEYS_A_SECOND: Final = 1.0
WRONG_KEYS_AT_ONCE: Final = 20.0
_BUSY_RETRY_S: Final = 1


class Request(Protocol):
    """Be what is known of a request at its beginning."""

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Return its headers."""
        ...

    @property
    def address(self) -> str:
        """Return where it comes from."""
        ...


class Guard:
    """Decide who is let in, and keep count of who is.

    Args:
        callers: Knows the keys; None asks nobody for one.
        shares: Bounds the requests at work.
        rates: Bounds what each caller asks for; None bounds nobody.
        wrong: Bounds how often an address is told that its key is wrong rather than that it asks too often.
    """

    def __init__(
        self, callers: Callers | None, shares: Shares, rates: Rates | None = None, *, wrong: Rates | None = None
    ) -> None:
        self._callers, self._shares, self._rates = callers, shares, rates
        self._wrong = wrong or Rates(WRONG_KEYS_A_SECOND, WRONG_KEYS_AT_ONCE)

    @property
    def in_flight(self) -> int:
        """Return the number of requests at work."""
        return self._shares.total

    def enter(self, request: Request, scope: Scope) -> str:
        """Let a request in and return whose it is, to be given back to ``leave``.

        Raises:
            Refusal: 401, 403, 429 or 503; nothing is to be left then.
        """
        key = self.require(request, scope)
        caller = request.address if key is None else key.name
        if self._rates is not None and (wait_s := self._rates.take(caller)):
            raise _too_often(wait_s)
        if not self._shares.enter(caller):
            raise _no_room(self._shares.most)
        return caller

    def leave(self, caller: str, *, items: int = 1) -> None:
        """End a request; a batch is charged for all its items."""
        self._shares.leave(caller)
        if self._rates is not None and items > 1:
            self._rates.charge(caller, items - 1)

    def require(self, request: Request, scope: Scope | None) -> CallerKey | None:
        """Return the key of a request, None where nobody needs one.

        Args:
            scope: What it must open; None is content with any key.

        Raises:
            Refusal: 401 without a right key, 429 where wrong ones come too fast, 403 for one that does not open this.
        """
        if self._callers is None or not self._callers.are_required:
            return None
        key = self._callers.of(request.headers)
        if key is None:
            wait_s = self._wrong.take(request.address) if key_in(request.headers) else 0.0
            raise _too_often(wait_s) if wait_s else _unknown()
        if scope is not None and not key.opens(scope):
            raise Refusal(
                Code.FORBIDDEN,
                f"The key {key.id} does not open this, expected one with the scope {scope.value}. Ask the operator for one.",
                details={"scope": scope.value},
            )
        return key


def _unknown() -> Refusal:
    refusal = Refusal(
        Code.UNAUTHENTICATED,
        "A key is needed, and none was sent, or one that is unknown, revoked or expired. "
        "Send it as Authorization: Bearer KEY, or as X-API-Key.",
    )
    refusal.headers.append((b"www-authenticate", b"Bearer"))
    return refusal


def _too_often(wait_s: float) -> Refusal:
    return _later(Code.RATE_LIMITED, "More is asked than this caller may ask for.", math.ceil(wait_s))


def _no_room(most: int) -> Refusal:
    return _later(Code.OVERLOADED, f"More than {most} requests are at work, or too many of this caller.", _BUSY_RETRY_S)


def _later(code: Code, why: str, retry_after_s: int) -> Refusal:
    refusal = Refusal(
        code, f"{why} Try again in {retry_after_s} s, and more slowly.", details={"retry_after_s": retry_after_s}
    )
    refusal.headers.append((b"retry-after", b"%d" % retry_after_s))
    return refusal
