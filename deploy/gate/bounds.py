"""What a candidate may take, and how far it may differ: the values of the settings that the gate goes by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hold sample sizes and bounds of an examination.

    Attributes:
        within_s: The longest that the whole may take; what is not done then is refused.
        ready_within_s: Seconds for a server to be ready.
        past_within_s: Seconds that are waited for old matches to be replayed, where callers asked about them or nothing
            serves to compare with.
        answer_within_s: Seconds for one answer, above the deadline of the service itself; the third that takes longer ends the examination.
        questions: Most questions asked one by one, of the candidate and of the release that serves.
        fewest_recorded: With fewer recorded requests, meetings of the store's teams are asked about, too.
        most_slowdown: Median and 99th percentile of the candidate's times over those of the release that serves.
        least_slow_median_ms, least_slow_p99_ms: Times up to which nothing is called slow.
        most_p99_alone_ms: Bound of the 99th percentile where nothing serves to compare with.
        most_memory_mb: Of all processes of a server with one worker, in 10^6 bytes.
        most_change, most_change_p99: Of the probability of any outcome, largest and 99th percentile over the questions.
        scored: Most played matches that both are scored on.
        fewest_scored: With fewer, no score is judged.
        worse_rps, worse_log_loss: The candidate is refused if it is worse by more than this for sure (95 %).
    """

    within_s: float
    ready_within_s: float
    past_within_s: float
    answer_within_s: float
    questions: int
    fewest_recorded: int
    most_slowdown: float
    least_slow_median_ms: float
    least_slow_p99_ms: float
    most_p99_alone_ms: float
    most_memory_mb: float
    most_change: float
    most_change_p99: float
    scored: int
    fewest_scored: int
    worse_rps: float
    worse_log_loss: float
