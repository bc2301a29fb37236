"""A value reads back as it was written, under its own key and secret; anything else is a named oddity."""

from __future__ import annotations

import math
import pickle

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.caching import EntryCodec
from api.caching.entry import SCHEMA, Oddity, Stored, _mac

SECRET = b"a secret of the tests, 32 bytes."
CODEC = EntryCodec([SECRET])
KEY = "fp:1:default:de.1-7:00112233445566778899aabbccddeeff"
STORED = Stored(1000.0, 1300.0, bytes(range(256)) * 8)
NOW = 1001.0


def signed(codec, key, value):
    """Sign any bytes as the codec would: what only somebody with the secret can do."""
    return value + _mac(codec._keys[0], key, value)


def body(stored_at, expires_at, payload=b"x"):
    return signed(CODEC, KEY, b"FP\x01" + msgspec.msgpack.encode((stored_at, expires_at, payload)))


@given(st.binary(max_size=500), st.floats(0, 1e9), st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_a_value_reads_back(payload, stored_at, key):
    """
    Any payload under any key comes back bit for bit until it expires.
    """
    stored = Stored(stored_at, stored_at + 60.0, payload)

    assert CODEC.decode(key, CODEC.encode(key, stored), stored_at + 59.0) == stored
    assert CODEC.decode(key, CODEC.encode(key, stored), stored_at + 61.0) is Oddity.EXPIRED


def test_no_single_flipped_bit_is_read():
    """
    Each bit of an entry, flipped alone, makes it unreadable.
    """
    value = CODEC.encode(KEY, STORED)
    for bit in range(8 * len(value)):
        flipped = bytearray(value)
        flipped[bit // 8] ^= 1 << bit % 8

        assert isinstance(CODEC.decode(KEY, bytes(flipped), NOW), Oddity)


def test_no_part_and_no_extension_is_read():
    """
    An entry cut at any length, from either end, or with anything added, is not read.
    """
    value = CODEC.encode(KEY, STORED)
    parts = [value[:n] for n in range(len(value))] + [value[n:] for n in range(1, len(value))]
    extended = [value + b"\0", b"\0" + value, value + value, value[:-16] + b"\xc0" + value[-16:]]

    assert not any(isinstance(CODEC.decode(KEY, part, NOW), Stored) for part in parts + extended)


def test_a_hundred_thousand_bad_reads_give_nothing():
    """
    Flips of entries of 130 keys, swapped among each other: never a value, never an error.
    """
    keys = [f"{KEY[:-2]}{n:02x}" for n in range(130)]
    values = [CODEC.encode(key, Stored(1000.0, 1300.0, b"answer to %d" % n)) for n, key in enumerate(keys)]
    n_reads = 0
    for n, (key, value) in enumerate(zip(keys, values, strict=True)):
        for other in values[:n] + values[n + 1 :]:
            n_reads += 1
            assert CODEC.decode(key, other, NOW) is Oddity.MAC
        for bit in range(8 * len(value)):
            flipped = bytearray(value)
            flipped[bit // 8] ^= 1 << bit % 8
            n_reads += 1
            assert type(CODEC.decode(key, bytes(flipped), NOW)) is Oddity
        for other_key in keys[:n]:
            for length in range(0, len(value), 9):
                n_reads += 1
                assert type(CODEC.decode(other_key, value[:length], NOW)) is Oddity

    assert n_reads > 100_000


class Canary:
    """Leaves a mark when it is unpickled."""

    was_unpickled = False

    def __reduce__(self):
        return (setattr, (Canary, "was_unpickled", True))


def test_forged_and_pickled_values_are_not_read():
    """
    What is signed with another secret, not signed, or a pickle, signed or not, is refused; nothing is executed.
    """
    forged = EntryCodec([b"another secret of the same length"]).encode(KEY, STORED)
    pickled = pickle.dumps(Canary())

    assert CODEC.decode(KEY, forged, NOW) is Oddity.MAC
    assert CODEC.decode(KEY, pickled + bytes(40), NOW) is Oddity.MAGIC
    assert CODEC.decode(KEY, b"FP\x01" + pickled + bytes(16), NOW) is Oddity.MAC
    assert CODEC.decode(KEY, signed(CODEC, KEY, b"FP\x01" + pickled), NOW) is Oddity.BODY
    assert not Canary.was_unpickled


@pytest.mark.parametrize("schema", [SCHEMA - 1, SCHEMA + 1, 255])
def test_older_and_newer_schemas_are_not_read_in_either_direction(schema):
    """
    Two versions of the software that share a Redis see each other's entries as misses.
    """
    other = EntryCodec([SECRET], schema=schema)

    assert CODEC.decode(KEY, other.encode(KEY, STORED), NOW) is Oddity.SCHEMA
    assert other.decode(KEY, CODEC.encode(KEY, STORED), NOW) is Oddity.SCHEMA


@pytest.mark.parametrize(
    ("value", "oddity"),
    [
        (None, Oddity.TYPE),
        ("FP", Oddity.TYPE),
        (bytearray(b"FP"), Oddity.TYPE),
        (7, Oddity.TYPE),
        (b"", Oddity.SHORT),
        (bytes((1 << 20) + 1), Oddity.OVERSIZED),
        (signed(CODEC, KEY, b"FP\x01" + b"\x91" * 100_000), Oddity.BODY),
        (signed(CODEC, KEY, b"FP\x01" + msgspec.msgpack.encode((1.0, 2.0, b"x", 4))), Oddity.BODY),
        (signed(CODEC, KEY, b"FP\x01" + msgspec.msgpack.encode((1.0, "2", b"x"))), Oddity.BODY),
        (body(math.nan, 2000.0), Oddity.TIMES),
        (body(1000.0, math.nan), Oddity.TIMES),
        (body(1000.0, math.inf), Oddity.TIMES),
        (body(1200.0, 2000.0), Oddity.TIMES),
        (body(1000.0, 999.0), Oddity.TIMES),
    ],
    ids=str,
)
def test_whatever_else_is_odd_has_a_name(value, oddity):
    """
    Wrong types, sizes, bodies and times are told apart, even where the signature is right.
    """
    assert CODEC.decode(KEY, value, NOW) is oddity


def test_a_secret_is_rotated_without_losing_entries():
    """
    With the old secret given second, its entries are read; the new ones are signed with the first.
    """
    old, new = EntryCodec([SECRET]), EntryCodec([b"the secret of next year", SECRET])

    assert new.decode(KEY, old.encode(KEY, STORED), NOW) == STORED
    assert old.decode(KEY, new.encode(KEY, STORED), NOW) is Oddity.MAC


@pytest.mark.parametrize("secrets", [[], [b"short"], [SECRET, b""]])
def test_short_secrets_are_refused(secrets):
    """
    A codec says how long a secret must be.
    """
    with pytest.raises(ValueError, match="16 bytes or more"):
        EntryCodec(secrets)
