"""One value as Redis holds it: ``b"FP"``, a schema byte, msgpack, and a keyed BLAKE2b code over key and all of it.

Whatever else comes back is an oddity with a name, never an exception and never a payload: Redis stores bytes and is
trusted with nothing more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum

import msgspec

SCHEMA = 1
"""Raised when the meaning of a stored payload changes; it is part of every key too."""

LARGEST_VALUE_BYTES = 1 << 20
SHORTEST_SECRET_BYTES = 16
CLOCK_SKEW_S = 60.0

_MAGIC = b"FP"
_MAC_BYTES = 16
_HEAD_BYTES = len(_MAGIC) + 1


class Oddity(StrEnum):
    """Say why a stored value was not used."""

    TYPE = "type"
    OVERSIZED = "oversized"
    SHORT = "short"
    MAGIC = "magic"
    SCHEMA = "schema"
    MAC = "mac"
    BODY = "body"
    TIMES = "times"
    EXPIRED = "expired"
    UNSOUND = "unsound"


class Stored(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Hold an encoded payload and when it was stored and expires, in unix seconds."""

    stored_at: float
    expires_at: float
    payload: bytes


class EntryCodec:
    """Write and read values under one secret; values under older secrets are still read.

    Args:
        secrets: The first writes. Each has at least 16 bytes.

    >>> codec = EntryCodec([b"sixteen bytes or more"])
    >>> value = codec.encode("fp:1:m:7:aa", Stored(0.0, 300.0, b"payload"))
    >>> codec.decode("fp:1:m:7:aa", value, now=1.0)
    Stored(stored_at=0.0, expires_at=300.0, payload=b'payload')
    >>> codec.decode("fp:1:m:8:bb", value, now=1.0)
    <Oddity.MAC: 'mac'>
    """

    def __init__(
        self, secrets: Sequence[bytes], *, schema: int = SCHEMA, largest_value_bytes: int = LARGEST_VALUE_BYTES
    ) -> None:
        if not secrets or min(map(len, secrets)) < SHORTEST_SECRET_BYTES:
            raise ValueError(
                f"The cache was given {len(secrets)} secrets. Give at least one, "
                f"each of {SHORTEST_SECRET_BYTES} bytes or more, such as 32 random ones."
            )
        # BLAKE2b takes keys of up to 64 bytes; a secret may be longer.
        self._keys = [hashlib.blake2b(secret, digest_size=32, person=b"fp-cache-key").digest() for secret in secrets]
        self._head = _MAGIC + bytes([schema])
        self.largest_value_bytes = largest_value_bytes
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Stored)

    def encode(self, key: str, stored: Stored) -> bytes:
        """Write a value that only reads back under this key."""
        value = self._head + self._encoder.encode(stored)
        return value + _mac(self._keys[0], key, value)

    def decode(self, key: str, value: object, now: float) -> Stored | Oddity:  # noqa: PLR0911 - one return an oddity
        """Read a value, or name what is odd about it; never raises."""
        if type(value) is not bytes:
            return Oddity.TYPE
        if len(value) > self.largest_value_bytes:
            return Oddity.OVERSIZED
        if len(value) <= _HEAD_BYTES + _MAC_BYTES:
            return Oddity.SHORT
        if value[: len(_MAGIC)] != _MAGIC:
            return Oddity.MAGIC
        if value[:_HEAD_BYTES] != self._head:
            return Oddity.SCHEMA
        signed, mac = value[:-_MAC_BYTES], value[-_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(secret, key, signed)) for secret in self._keys):
            return Oddity.MAC
        return self._body(signed, now)

    def _body(self, signed: bytes, now: float) -> Stored | Oddity:
        try:
            stored = self._decoder.decode(memoryview(signed)[_HEAD_BYTES:])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return Oddity.BODY
        # Written so that NaN fails too.
        if not stored.stored_at <= now + CLOCK_SKEW_S or not stored.stored_at <= stored.expires_at < float("inf"):
            return Oddity.TIMES
        return stored if now < stored.expires_at else Oddity.EXPIRED


def _mac(secret: bytes, key: str, value: bytes) -> bytes:
    code = hashlib.blake2b(digest_size=_MAC_BYTES, key=secret)
    name = key.encode("utf-8", "surrogatepass")
    # The length keeps a byte from moving between key and value.
    code.update(b"%d:%b" % (len(name), name))
    code.update(value)
    return code.digest()
