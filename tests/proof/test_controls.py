"""The positive controls: planted faults are seen, and a driver that does not see them is found out."""

from __future__ import annotations

import pytest
from tiny_service import TinyService, orders

import proof.judge
from proof import controls


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Half a second is enough for a hundred and more requests here."""
    monkeypatch.setattr(controls, "SECONDS", 0.5)
    monkeypatch.setattr(controls, "REQUESTS_A_SECOND", 400.0)


async def seen():
    async with TinyService() as service:
        return controls._of(controls.verdict_of(await controls._records(orders(service.port)), []))


async def test_one_broken_connection_and_one_altered_digit_are_seen():
    """
    Just these two, of all that went through the relay.
    """
    found = await seen()

    assert found.are_caught
    assert (found.lost, found.wrong) == (1, 1)
    assert found.responses > 100


async def test_a_judge_that_is_blind_is_caught(monkeypatch):
    """
    Were answers not compared, the controls would say so.
    """
    monkeypatch.setattr(proof.judge, "TOLERANCE", 1.0)

    assert not (await seen()).are_caught
