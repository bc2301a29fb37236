"""Memory goes back to the system once it is free."""

from __future__ import annotations

import gc
import platform

import pytest

from runners.memory import give_back, out_of_collections, resident_bytes

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


def test_a_load_leaves_nothing_to_garbage_collections():
    """
    What a load makes is exempt from collections, which are on again afterwards, as they were before.
    """
    before = gc.get_freeze_count()
    with out_of_collections():
        during = gc.isenabled()
        kept = [[number] for number in range(1_000)]
    assert (during, gc.isenabled()) == (False, True)
    assert gc.get_freeze_count() >= before + len(kept)
    gc.unfreeze()
    gc.disable()
    with out_of_collections():
        pass
    was_off = not gc.isenabled()
    gc.enable()
    gc.unfreeze()

    assert was_off
