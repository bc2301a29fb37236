"""Values in the path, checked as their schemas say."""

from __future__ import annotations

import re

from api.errors import Code, Refusal
from api.exchange import Call
from api.requests import LONGEST_NAME, NAME_PATTERN
from api.violations import shortened

IN_URL = {"$.match_id": "$.path.match_id", "$.model_name": "$.path.model_name"}

_name = re.compile(NAME_PATTERN)


def model_name_in(call: Call) -> str:
    """Return the model name of the URL. Raises Refusal (422) if it cannot be one."""
    name = call.parameters["model_name"]
    if len(name) > LONGEST_NAME or not _name.search(name):
        raise Refusal(
            Code.INVALID_REQUEST,
            f"The URL names the model {shortened(name)!r}, expected 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ - beginning"
            " with a letter or digit. GET /v1/predictions/models lists the served ones.",
            path="$.path.model_name",
        )
    return name


def match_id_in(call: Call) -> str:
    """Return the match id of the URL. Raises Refusal (422) if it is too long to be one."""
    match_id = call.parameters["match_id"]
    if len(match_id) > LONGEST_NAME:
        raise Refusal(
            Code.INVALID_REQUEST,
            f"The URL names a match by {len(match_id)} characters, expected at most {LONGEST_NAME}."
            " GET /v1/fixtures lists ids.",
            path="$.path.match_id",
        )
    return match_id
