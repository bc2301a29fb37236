"""The judge: an answer is good only if it is the one that the version it names gives, to a billionth."""

from __future__ import annotations

import json

import pytest
from tiny_service import ORACLE, PROBA, answer

from proof.judge import Judge
from proof.questions import Question

SINGLE = Question(b"", ("m0",), is_batch=False)
PAIR = Question(b"", ("m0", "m1"), is_batch=True)
JUDGE = Judge({**ORACLE, "two": {"m0": (0.5, 0.25, 0.25), "m1": PROBA}})
NEARLY = (PROBA[0] + 2e-9, *PROBA[1:])


def pair(*items) -> bytes:
    return json.dumps({"predictions": items}).encode()


@pytest.mark.parametrize(
    ("question", "body", "trouble"),
    [
        (SINGLE, answer(), ""),
        (SINGLE, answer(proba=(PROBA[0] + 5e-10, *PROBA[1:])), ""),
        (SINGLE, answer(proba=NEARLY), "other numbers"),
        (SINGLE, answer(version="two"), "other numbers"),
        (SINGLE, answer(version="three"), "unknown version"),
        (SINGLE, answer(match_id="m1"), "other match"),
        (SINGLE, {"match_id": "m0", "model_version": "one"}, "other numbers"),
        (SINGLE, {}, "unreadable"),
        (PAIR, {"predictions": [answer(), answer("m1")]}, ""),
        (PAIR, {"predictions": [answer("m1"), answer()]}, "other match"),
        (PAIR, {"predictions": [answer()]}, "unreadable"),
        (PAIR, {"predictions": [answer(), answer("m1", version="two")]}, "mixed versions"),
        (PAIR, {"predictions": [answer(), answer("m1", proba=NEARLY)]}, "other numbers"),
        (PAIR, {"predictions": [answer(), {"request_index": 1, "error": "OVERLOADED"}]}, "item refused"),
    ],
)
def test_what_is_wrong_with_an_answer_has_a_name(question, body, trouble):
    """
    Numbers, match and version are compared, of each item of a batch.
    """
    assert JUDGE.of(question, 200, json.dumps(body).encode())[0] == trouble


def test_only_2xx_is_an_answer():
    """
    A good body does not make up for a bad status.
    """
    assert JUDGE.of(SINGLE, 503, json.dumps(answer()).encode())[0] == "status"
