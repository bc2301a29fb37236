"""The route through which an operator posts results and fixtures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from api import catalogue
from api.bodies import decode, decode_item, plain_json, require_at_most
from api.context import Context
from api.deadlines import Deadlines
from api.errors import Code, Refusal
from api.exchange import Answer, Call
from api.questions import in_utc
from api.requests import ResultRow, ResultsRequest
from api.responses import ResultOutcome, ResultsReceipt, RowOutcome
from api.router import Route
from runners.queries import ReceivedOutcome, ReceivedResult

_OUTCOMES: Final[Mapping[str, RowOutcome]] = {
    "inserted": "inserted",
    "updated": "updated",
    "unchanged": "unchanged",
    "refused": "refused",
}

_row = msgspec.json.Decoder(ResultRow)
_rows = msgspec.json.Decoder(ResultsRequest)
_encoder = msgspec.json.Encoder()


class ResultsDesk:
    """Answer POST /v1/results."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._deadlines = Deadlines(context.settings.results_deadline_s)

    async def receive(self, call: Call) -> Answer:
        """Hand the rows that can be read to the backend and say what became of each."""
        settings = self._context.settings
        body = await self._context.body(call)
        request = decode(body, _rows)
        plain_json(body)
        require_at_most(settings.max_results, len(request.results), "results")
        rows = [_received(item, index) for index, item in enumerate(request.results)]
        readable = [row for row in rows if not isinstance(row, Refusal)]
        outcomes = await self._deadlines.within(self._context.backend.receive(readable))
        if len(outcomes) != len(readable):
            raise RuntimeError(f"the backend gave {len(outcomes)} outcomes to {len(readable)} rows")
        waiting = iter(outcomes)
        results = [
            _refused(row, index) if isinstance(row, Refusal) else _outcome(next(waiting), index)
            for index, row in enumerate(rows)
        ]
        return Answer(200, _encoder.encode(_receipt(results)))


def results_routes(context: Context) -> tuple[Route, ...]:
    """Return the results route."""
    return (Route("POST", "/v1/results", ResultsDesk(context).receive, catalogue.RESULTS),)


def _received(item: msgspec.Raw, index: int) -> ReceivedResult | Refusal:
    root = f"$.results[{index}]"
    try:
        row = decode_item(item, _row, root=root)
        kickoff = None if row.kickoff is None else in_utc(row.kickoff, path=f"{root}.kickoff")
    except Refusal as refusal:
        return refusal
    return ReceivedResult(
        status=row.status.value,
        match_id=row.match_id,
        competition=row.competition,
        season=row.season,
        kickoff=kickoff,
        is_date_only=row.is_date_only,
        home_team=row.home_team,
        away_team=row.away_team,
        home_goals=row.home_goals,
        away_goals=row.away_goals,
        round=row.round,
        is_neutral_venue=row.neutral_venue,
    )


def _refused(refusal: Refusal, index: int) -> ResultOutcome:
    return ResultOutcome(
        index=index,
        outcome="refused",
        match_id=None,
        error=refusal.code,
        message=refusal.message,
        path=refusal.path,
    )


def _outcome(received: ReceivedOutcome, index: int) -> ResultOutcome:
    is_refused = received.outcome == "refused"
    root = f"$.results[{index}]"
    return ResultOutcome(
        index=index,
        outcome=_OUTCOMES[received.outcome],
        match_id=received.match_id,
        error=Code.INVALID_REQUEST if is_refused else None,
        message=received.reason,
        path=f"{root}{(received.path or '$').removeprefix('$')}" if is_refused else None,
    )


def _receipt(results: Sequence[ResultOutcome]) -> ResultsReceipt:
    counts = Counter(result.outcome for result in results)
    return ResultsReceipt(
        total=len(results),
        inserted=counts["inserted"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        refused=counts["refused"],
        results=list(results),
    )
