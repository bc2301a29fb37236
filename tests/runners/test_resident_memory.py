"""Memory goes back to the system once it is free."""

from __future__ import annotations

import platform

import pytest

from runners.memory import give_back, resident_bytes

MEGABYTE = 1 << 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps free memory until it is told otherwise")
def test_what_was_needed_for_a_while_goes_back():
    """After many small objects have gone but for a few between them, most of their memory returns to the system."""
    many = [bytes(500) for _ in range(80_000)]
    grown = resident_bytes()
    few = many[::1_000]
    del many

    given_back = give_back()

    assert given_back > 20 * MEGABYTE
    assert resident_bytes() < grown - 20 * MEGABYTE
    assert len(few) == 80
