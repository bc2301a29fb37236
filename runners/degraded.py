"""Why an answer rests on less than it should: a short name that never changes, and a sentence for people."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Name a reason; there are no others, so that they can be counted by name."""

    COMPETITION_UNKNOWN = "competition_unknown"
    KICKOFF_PASSED = "kickoff_passed"
    MEMBER_MISSING = "member_missing"
    MODEL_KNOWS_LATER_RESULTS = "model_knows_later_results"
    RESULTS_MISSING = "results_missing"
    RESULTS_STALE = "results_stale"
    STORE_INCOMPLETE = "store_incomplete"
    TEAM_UNKNOWN = "team_unknown"

    def told(self, sentence: str) -> str:
        """Return the reason as answers give it.

        >>> Reason.TEAM_UNKNOWN.told("no earlier match of Ayr is on record")
        'team_unknown: no earlier match of Ayr is on record'
        """
        return f"{self.value}: {sentence}"


def name_of(told: str) -> str:
    """Return the name of a reason as answers give it.

    >>> name_of("team_unknown: no earlier match of Ayr is on record")
    'team_unknown'
    """
    return told.partition(":")[0]
