"""The match routes: fixtures, single matches, competitions and teams."""

from __future__ import annotations

import msgspec

from api import catalogue
from api.context import Context
from api.errors import Code, Refusal, refusal_of
from api.exchange import Answer, Call
from api.path_parameters import IN_URL, match_id_in
from api.presentation import match_of
from api.query_strings import decode_query, instant_of
from api.questions import given
from api.requests import FixturesQuery, TeamsQuery
from api.responses import CompetitionEntry, Competitions, Fixtures, TeamEntry, Teams
from api.router import Route
from runners.errors import PredictionFailure

_PLACES = {**IN_URL, "$.competition": "$.query.competition", "$.team": "$.query.team"}

_encoder = msgspec.json.Encoder()


class MatchDesk:
    """Answer the match routes, all from memory."""

    def __init__(self, context: Context) -> None:
        self._backend = context.backend
        self._settings = context.settings

    async def fixtures(self, call: Call) -> Answer:
        """List matches, one page at a time."""
        query = decode_query(call.query, FixturesQuery)
        limit = given(query.limit, self._settings.default_page_size)
        if limit > self._settings.max_page_size:
            raise Refusal(
                Code.INVALID_REQUEST,
                f"The query parameter limit is {limit}, expected 1 to {self._settings.max_page_size}.",
                path="$.query.limit",
            )
        try:
            page = self._backend.fixtures(
                competition=given(query.competition, None),
                earliest=instant_of(query.earliest, "from"),
                latest=instant_of(query.latest, "to", is_end=True),
                team=given(query.team, None),
                status=given(query.status, None),
                offset=query.offset,
                limit=limit,
            )
        except PredictionFailure as failure:
            raise refusal_of(failure, places=_PLACES) from failure
        fixtures = Fixtures(
            matches=[match_of(view) for view in page.matches],
            total=page.total,
            limit=limit,
            offset=query.offset,
            next_offset=page.next_offset,
        )
        return Answer(200, _encoder.encode(fixtures))

    async def match(self, call: Call) -> Answer:
        """Show one match."""
        try:
            view = self._backend.match(match_id_in(call))
        except PredictionFailure as failure:
            raise refusal_of(failure, places=_PLACES) from failure
        return Answer(200, _encoder.encode(match_of(view)))

    async def competitions(self, call: Call) -> Answer:  # noqa: ARG002 - every handler takes the call
        """List the competitions."""
        entries = [
            CompetitionEntry(code=c.code, seasons=list(c.seasons), matches=c.matches, teams=c.teams)
            for c in self._backend.competitions()
        ]
        return Answer(200, _encoder.encode(Competitions(competitions=entries, total=len(entries))))

    async def teams(self, call: Call) -> Answer:
        """List the teams, of one competition or of all."""
        query = decode_query(call.query, TeamsQuery)
        try:
            pairs = self._backend.teams(given(query.competition, None))
        except PredictionFailure as failure:
            raise refusal_of(failure, places=_PLACES) from failure
        entries = [TeamEntry(name=name, association=association) for name, association in pairs]
        return Answer(200, _encoder.encode(Teams(teams=entries, total=len(entries))))


def match_routes(context: Context) -> tuple[Route, ...]:
    """Return the match routes."""
    desk = MatchDesk(context)
    return (
        Route("GET", "/v1/fixtures", desk.fixtures, catalogue.FIXTURES),
        Route("GET", "/v1/matches/{match_id}", desk.match, catalogue.MATCH),
        Route("GET", "/v1/competitions", desk.competitions, catalogue.COMPETITIONS),
        Route("GET", "/v1/teams", desk.teams, catalogue.TEAMS),
    )
