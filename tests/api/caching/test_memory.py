"""The memory layer does what a plain list of its entries, in order of use, would do."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from api.caching import MemoryLayer
from api.caching.memory import ENTRY_OVERHEAD_BYTES

MOST_ENTRIES = 5
MOST_BYTES = 6 * ENTRY_OVERHEAD_BYTES
KEYS = st.sampled_from("abcdefgh")


class MemoryAgainstAList(RuleBasedStateMachine):
    """A list of (key, payload, expiry, size), the least used first."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = MemoryLayer[int](most_entries=MOST_ENTRIES, most_bytes=MOST_BYTES)
        self.model: list[tuple[str, int, float, int]] = []
        self.now = 0.0

    def without(self, key):
        return [entry for entry in self.model if entry[0] != key]

    @rule(seconds=st.floats(0, 5))
    def wait(self, seconds):
        self.now += seconds

    @rule(key=KEYS, payload=st.integers(), size=st.integers(0, 2 * MOST_BYTES), ttl=st.floats(0.1, 10))
    def put(self, key, payload, size, ttl):
        self.layer.put(key, payload, size_bytes=size, expires_at=self.now + ttl)
        total = size + ENTRY_OVERHEAD_BYTES
        self.model = self.without(key) + [(key, payload, self.now + ttl, total)] * (total <= MOST_BYTES)
        while len(self.model) > MOST_ENTRIES or sum(entry[3] for entry in self.model) > MOST_BYTES:
            del self.model[0]

    @rule(key=KEYS)
    def get(self, key):
        expected = None
        for entry in self.model:
            if entry[0] == key:
                self.model = self.without(key)
                if entry[2] > self.now:
                    expected = entry[1]
                    self.model.append(entry)
        assert self.layer.get(key, self.now) == expected

    @rule(key=KEYS)
    def remove(self, key):
        assert self.layer.remove(key) == (len(self.without(key)) < len(self.model))
        self.model = self.without(key)

    @rule(keys=st.sets(KEYS))
    def remove_where(self, keys):
        assert set(self.layer.remove_where(keys.__contains__)) == {entry[0] for entry in self.model} & keys
        self.model = [entry for entry in self.model if entry[0] not in keys]

    @rule()
    def clear(self):
        self.layer.clear()
        self.model = []

    @invariant()
    def holds_as_much(self):
        assert len(self.layer) == len(self.model) <= MOST_ENTRIES
        assert self.layer.n_bytes == sum(entry[3] for entry in self.model) <= MOST_BYTES


MemoryAgainstAList.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestMemoryAgainstAList = MemoryAgainstAList.TestCase


@pytest.mark.parametrize("bounds", [{"most_entries": 0}, {"most_bytes": 0}])
def test_a_memory_without_room_is_refused(bounds):
    """
    Zero is not a way to switch the memory off.
    """
    with pytest.raises(ValueError, match="Give 1 or more"):
        MemoryLayer(**bounds)
