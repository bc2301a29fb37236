"""Every log line is one JSON object."""

from __future__ import annotations

import io
import json
import logging

import pytest

from monitoring.json_log import set_up_logging


@pytest.fixture
def stream():
    """A stream that takes all logs of this process; logging is put back afterwards."""
    names = (None, "football", "bentoml", "uvicorn.error")
    before = [(logging.getLogger(n), logging.getLogger(n).handlers, logging.getLogger(n).level) for n in names]
    taken = io.StringIO()
    set_up_logging(taken)
    yield taken
    for logger, handlers, level in before:
        logger.handlers = handlers
        logger.setLevel(level)


def lines(stream) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_a_line_with_its_fields(stream):
    """
    Time, level, logger, message and what was given as extra are fields; unknown values are left out.
    """
    logging.getLogger("football.access").info(
        "request", extra={"request_id": "é1", "status": 200, "nothing": None, "odd": {1}}
    )

    line = lines(stream)[0]
    assert line["time"].endswith("+00:00")
    del line["time"]
    assert line == {
        "level": "info",
        "logger": "football.access",
        "message": "request",
        "request_id": "é1",
        "status": 200,
        "odd": "{1}",
    }


def test_a_traceback_stays_within_its_line(stream):
    """
    An exception is one line too.
    """
    try:
        int("what happened")
    except ValueError:
        logging.getLogger("football").exception("it failed")

    assert len(lines(stream)) == 1
    assert "ValueError: invalid literal" in lines(stream)[0]["traceback"]


def test_others_are_heard_from_warnings_on(stream):
    """
    Of other libraries only warnings and worse are written, once each.
    """
    logging.getLogger("sqlalchemy").info("chatter")
    logging.getLogger("sqlalchemy").warning("trouble")
    logging.getLogger("bentoml.serve").info("started")

    assert [line["message"] for line in lines(stream)] == ["trouble", "started"]
