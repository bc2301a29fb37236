"""The record of requests: bounded, one file a worker, without what could name a caller, and never in the way."""

from __future__ import annotations

import copy
import logging
import os
import sys
from pathlib import Path

import msgspec
import pytest

import worker
from api.application import create_application
from api.examples import PREDICTION
from configs.settings import load_settings
from monitoring.recorded import recorded_in
from monitoring.recorder import Recorder

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from api_harness import call, settings_with
from fake_backend import KNOWN, FakeBackend

JSON = ((b"content-type", b"application/json"), (b"x-request-id", b"callers-own-id"), (b"cookie", b"secret"))


def recorder_in(folder, **changes) -> Recorder:
    return Recorder(folder, **({"per_minute": 6_000, "per_file": 1_000, "most_files": 4} | changes))


def answer_at(second: int) -> bytes:
    told = copy.deepcopy(PREDICTION)
    told["predicted_at"] = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
    return msgspec.json.encode(told)


async def test_what_was_asked_and_answered_is_recorded_and_nothing_of_the_caller(tmp_path):
    """
    By body, by URL and in a batch: the question that asks the same, and the answer's three probabilities.
    """
    recorder = recorder_in(tmp_path)
    application = create_application(FakeBackend(), settings=settings_with(), recorder=recorder)
    by_body = b'{"match_id":"%b","explain":true,"prediction_type":"score"}' % KNOWN.encode()
    batch = b'{"requests":[{"match_id":"m2"},{"match_id":"unknown"},{"match_id":"m3","as_of":"2020-01-01T00:00:00Z"}]}'

    answers = [
        await call(application, "POST", b"/v1/predictions/predict", headers=JSON, chunks=(by_body,)),
        await call(application, "POST", f"/v1/predictions/football/{KNOWN}".encode(), headers=JSON),
        await call(application, "POST", b"/v1/predictions/predict/batch", headers=JSON, chunks=(batch,)),
    ]
    recorder.flush()

    assert [answer.status for answer in answers] == [200, 200, 200]
    recorded = recorded_in(tmp_path)
    assert sorted(sorted(one.question.items()) for one in recorded) == [
        [("as_of", "2020-01-01T00:00:00Z"), ("match_id", "m3")],
        [("match_id", KNOWN)],
        [("match_id", KNOWN), ("model_name", "football")],
        [("match_id", "m2")],
    ]
    told = answers[0].json()
    assert recorded[-1].proba == (told["home_win_prob"], told["draw_prob"], told["away_win_prob"])
    text = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"callers-own-id" not in text
    assert b"secret" not in text


async def test_what_failed_or_asks_for_an_old_version_is_not_recorded(tmp_path):
    """
    Neither tells anything of the next model.
    """
    recorder = recorder_in(tmp_path)
    application = create_application(FakeBackend(), settings=settings_with(), recorder=recorder)

    refused = await call(
        application, "POST", b"/v1/predictions/predict", headers=JSON, chunks=(b'{"match_id":"none"}',)
    )
    recorder.note(b'{"match_id":"m2","model_version":"1"}', {}, answer_at(0))
    recorder.note(b"no JSON", {}, b"nor this")
    recorder.flush()

    assert refused.status == 404
    assert recorded_in(tmp_path) == []


def test_no_more_than_so_many_are_recorded(tmp_path):
    """
    Sixty a minute are five every five seconds, however many come; the files are replaced, not grown.
    """
    recorder = recorder_in(tmp_path, per_minute=60, per_file=10)

    for flush in range(6):
        for request in range(50):
            recorder.note(b'{"match_id":"m%d"}' % request, {}, answer_at(50 * flush + request))
        recorder.flush()

    recorded = recorded_in(tmp_path)
    assert [one.question["match_id"] for one in recorded] == [f"m{place}" for place in (4, 3, 2, 1, 0)] * 4
    assert recorded[0].at == "2026-01-01T00:04:14Z"
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [f"{os.getpid()}.jsonl", f"{os.getpid()}-before.jsonl"]
    )


def test_files_of_workers_that_have_ended_are_few(tmp_path):
    """
    A worker that starts leaves the newest of the others' files, and reads of a cut-off line make no trouble.
    """
    line = b'{"at":"2026-01-01T00:00:00Z","question":{"match_id":"m"},"proba":[0.4,0.3,0.3],"model":"a:1","as_of":"2026"}\n'
    for number in range(10):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(line + line[: 10 * number])
        os.utime(file, (number, number))

    recorder = recorder_in(tmp_path, most_files=4)
    recorder.start()
    recorder.stop()

    assert sorted(file.name for file in tmp_path.iterdir()) == ["7.jsonl", "8.jsonl", "9.jsonl"]
    assert len(recorded_in(tmp_path)) == 3


def test_a_disk_that_refuses_costs_no_request(tmp_path, caplog):
    """
    It is said once, and recording goes on when it can.
    """
    folder = tmp_path / "folder"
    folder.write_text("not a folder")
    recorder = recorder_in(folder)

    with caplog.at_level(logging.WARNING, logger="football.recorder"):
        for _ in range(3):
            recorder.note(b'{"match_id":"m"}', {}, answer_at(0))
            recorder.flush()
    assert [record.message for record in caplog.records] == ["requests cannot be recorded"]

    folder.unlink()
    folder.mkdir()
    recorder.note(b'{"match_id":"m"}', {}, answer_at(0))
    recorder.flush()
    assert len(recorded_in(folder)) == 1


@pytest.mark.parametrize(("per_minute", "folder"), [(0, "somewhere"), (60, "")])
def test_nothing_is_recorded_unless_it_is_wanted(per_minute, folder, tmp_path):
    """
    Without a folder, or with none a minute, no recorder is made.
    """
    given = load_settings()
    place = str(tmp_path / folder) if folder else ""
    recording = given.recording.model_copy(update={"per_minute": per_minute, "folder": place})

    assert worker.recorder_of(given.model_copy(update={"recording": recording})) is None
    assert list(tmp_path.iterdir()) == []
