"""The settings of the API."""

from __future__ import annotations

import datetime as dt

import pytest
from api_harness import settings_with


@pytest.mark.parametrize(
    "changes",
    [
        {"max_batch_size": 0},
        {"max_batch_size": 1_001},
        {"max_body_bytes": 0},
        {"deadline_s": 0},
        {"default_page_size": 2_000},
        {"old_api_ends_at": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - a time without a zone is what is refused
    ],
)
def test_settings_out_of_range_are_refused_by_name(changes):
    """A service does not start with a limit that cannot hold."""
    (name,) = changes

    with pytest.raises(ValueError, match=name):
        settings_with(**changes)


def test_the_largest_batch_can_be_configured():
    """A thousand is the most."""
    assert settings_with(max_batch_size=1_000).max_batch_size == 1_000
