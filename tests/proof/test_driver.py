"""The driver: one request a record, none twice, and every way to get no answer has a name."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from tiny_service import TinyService, good, orders, over_http

from proof.driver import Driver


async def drive(reply=None, **changes):
    service = TinyService(reply) if reply else TinyService()
    async with service:
        records = await Driver(orders(service.port, **changes)).run(asyncio.Event())
    return service, records


async def test_every_request_has_one_record_and_good_answers_no_trouble():
    """
    What leaves is what is recorded; kept connections are used again, a fresh one serves one request.
    """
    service, records = await drive(fresh_share=0.5)
    fresh = sum(record.is_fresh for record in records)

    assert len(records) == service.requests > 100
    assert {(record.trouble, record.status, record.version) for record in records} == {("", 200, "one")}
    assert all(record.due <= record.sent <= record.done for record in records)
    assert fresh < service.connections < len(records)


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (None, "broken off"),
        (over_http(b"{}")[:20], "no answer"),
        (b"SSH-2.0-x\r\n\r\n", "garbled"),
        (over_http(b"busy", 503), "status"),
        (over_http(b"<html>"), "unreadable"),
    ],
)
async def test_a_request_that_fails_is_recorded_as_it_failed_and_not_sent_again(reply, trouble):
    """
    The tenth request gets no answer, or a bad one: one record says so, and nothing is asked a second time.
    """
    service, records = await drive(lambda number, match_id: reply if number == 10 else good(match_id))

    assert Counter(record.trouble for record in records) == {"": len(records) - 1, trouble: 1}
    assert service.requests == len(records)


async def test_an_answer_that_breaks_off_is_cut_short():
    """
    Half an answer, then the end of the connection.
    """

    half = over_http(b"0123456789")[:-5]
    async with TinyService(lambda _number, _match_id: half, closes=True) as service:
        records = await Driver(orders(service.port)).run(asyncio.Event())

    assert {record.trouble for record in records} == {"cut short"}


async def test_nobody_listening_is_counted_too():
    """
    Without a service every request is refused, and still due when it was.
    """
    async with TinyService() as service:
        port = service.port
    records = await Driver(orders(port, is_even=True)).run(asyncio.Event())

    assert {record.trouble for record in records} == {"refused"}
    assert [round(b.due - a.due, 6) for a, b in pairwise(records)] == [0.0025] * (len(records) - 1)


async def test_slow_answers_hold_up_no_later_request():
    """
    The loop is open: requests leave while none was answered.
    """
    silent = b"HTTP/1.1 200"
    service, records = await drive(lambda _number, _match_id: silent)

    assert len(records) == service.requests > 100
    assert {record.trouble for record in records} == {"no answer"}


async def test_a_closed_loop_has_no_more_under_way_than_it_may():
    """
    Each answer brings the next request, over as many connections as were ordered.
    """
    service, records = await drive(rate=None, connections=4)

    assert service.connections == 4
    assert len(records) == service.requests > 4
    assert not any(record.trouble for record in records)
