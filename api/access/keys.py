"""The keys of callers: made, kept as digests in one file, and read back.

A key is ``ID_SECRET``. The secret is 256 random bits, so nobody can try them all, and a plain SHA-256 keeps it as well
as a slow hash would; a slow one would only slow the service.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from api.access.scopes import Scope

_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 32


class KeysUnreadable(ValueError):
    """Say what is wrong with the file of keys, and what to do."""


class CallerKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what is known of one key; the secret itself is known to its caller only.

    Attributes:
        name: Whose it is. A caller may have two, to change from one to the other.
        digest: SHA-256 of the secret, in hex.
        created_at, expires_at: Aware; None never expires.
    """

    id: str
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None

    def opens(self, scope: Scope) -> bool:
        """Return whether the key opens what needs a scope; an operator's opens all.

        >>> at = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
        >>> reader = CallerKey("fk1", "shop", "", (Scope.PREDICT,), at)
        >>> reader.opens(Scope.PREDICT), reader.opens(Scope.OPERATOR)
        (True, False)
        """
        return scope in self.scopes or Scope.OPERATOR in self.scopes

    def is_over(self, now: dt.datetime) -> bool:
        """Return whether it has expired."""
        return self.expires_at is not None and now >= self.expires_at


class _File(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[CallerKey]


def make_caller_key(
    name: str, scopes: tuple[Scope, ...], *, now: dt.datetime, expires_at: dt.datetime | None = None
) -> tuple[CallerKey, str]:
    """Return a new key, and the text that its caller sends; that is never seen again."""
    key_id, secret = f"fk{secrets.token_hex(_ID_BYTES)}", secrets.token_urlsafe(_SECRET_BYTES)
    return CallerKey(key_id, name, digest_of(secret), scopes, now, expires_at), f"{key_id}_{secret}"


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_keys(file: Path) -> list[CallerKey]:
    """Return the keys of a file, none if there is no such file. Raises KeysUnreadable."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=_File).keys
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise KeysUnreadable(
            f"The keys of callers in {file} cannot be read: {error}. Put the file right, or remove it and add keys anew."
        ) from error


def write_keys(file: Path, keys: list[CallerKey]) -> None:
    """Put keys in place of those that a file held, whole or not at all; only its owner can read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.new")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:  # noqa: PTH123 - with a mode
        opened.write(msgspec.json.format(msgspec.json.encode(_File(keys))) + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    aside.replace(file)
