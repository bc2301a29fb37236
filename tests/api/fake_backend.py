"""A backend of four matches and one model, whose answers can be checked by hand."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from api.examples import MATCH_ID as KNOWN
from features.registry import REGISTRY
from runners.backend import Condition
from runners.contributions import Contribution, ForecastExplanation
from runners.errors import (
    CompetitionNotFound,
    FeatureInvalid,
    FeatureMissing,
    MatchNotFound,
    ModelNotFound,
    ModelUnavailable,
    ModelVersionNotFound,
    PredictionFailure,
    QueryInvalid,
    ReloadIsOff,
    TeamNotFound,
)
from runners.ledger import Agreed, Attempt, Settled
from runners.queries import (
    Certainty,
    Competition,
    DescribedMatch,
    Forecast,
    Markets,
    MarketShape,
    MatchView,
    ModelView,
    Page,
    PredictionQuery,
    ReceivedOutcome,
    ReceivedResult,
    Reloaded,
    Writer,
)

NOON = dt.datetime(2021, 5, 22, 12, 0, tzinfo=dt.UTC)
PROBA = (0.5, 0.3, 0.2)
CERTAINTY = Certainty(coverage=0.8, set_threshold=0.7, ends=(0.45, 0.55, 0.27, 0.33, 0.17, 0.23))
EXPLANATION = ForecastExplanation(
    base=(0.25, 0.0, -0.25),
    base_proba=(0.42, 0.33, 0.25),
    margin=(0.5, 0.0, -0.5),
    contributions=(
        Contribution("elo_home", 1_800.0, (0.5, -0.25, -0.25), (0.1, -0.05, -0.05)),
        Contribution("elo_away", None, (-0.25, 0.25, 0.0), (-0.02, 0.02, 0.0)),
    ),
)
TEAMS = ("Bayern München", "FC Augsburg", "Köln", "Mainz 05")
FEATURES = {feature.name: feature for feature in REGISTRY}
USED = ("elo_home", "elo_away", "rest_days_home")

MARKETS = Markets(
    MarketShape(totals=(2.5, 3.0), handicaps=(-0.5,), scores=2, interval_coverage=0.8),
    numbers=[
        *(1.75, 1.0),  # expected goals
        *(0.55, 0.45, 0.0),  # over, under and push at 2.5 goals
        *(0.3, 0.5, 0.2),  # at 3
        *(0.6, 0.4),  # both teams score or not
        *(0.8, 0.7, 0.5),  # double chance
        *(5 / 7, 2 / 7),  # draw no bet
        *(0.5, 0.5, 0.0),  # home, away and push at -0.5
        *(0.125, 0.1, 0.775),  # the scores 1-1 and 2-1, and all others
    ],
    counts=[1, 1, 2, 1, 0, 3, 0, 2, 1, 5],
)


def stored(match_id: str, home: str, away: str, kickoff: dt.datetime | None, status: str = "scheduled") -> MatchView:
    return MatchView(
        match_id=match_id,
        competition="de.1",
        season="2020-21",
        kickoff=kickoff,
        is_date_only=False,
        home_team=home,
        away_team=away,
        status=status,
    )


MATCHES = (
    stored(KNOWN, "Bayern München", "FC Augsburg", NOON),
    stored("m2", "Köln", "Mainz 05", NOON + dt.timedelta(days=1), "postponed"),
    stored("m3", "FC Augsburg", "Köln", NOON.astimezone(dt.timezone(dt.timedelta(hours=2))) + dt.timedelta(days=2)),
    stored("a/b ü", "Mainz 05", "Bayern München", None),
)
MODEL = ModelView(
    name="football",
    version="v1",
    model_type="xgboost",
    created_at=NOON - dt.timedelta(days=300),
    trained_until=NOON - dt.timedelta(days=301),
    size_bytes=1_000,
    features=(*USED, "feature_of_another_age"),
    metrics={"rps": 0.196, "accuracy": 0.53, "ece": math.nan},
    importance={"elo_home": 0.75, "elo_away": 0.25},
    card={"n_matches": 61_250, "by_competition": {"de.1": {"rps": 0.19}}},
)


def attempt(version: str, error: str | None = None) -> Attempt:
    return Attempt(at=NOON, model_name="football", model_version=version, seconds=0.5, error=error)


@dataclass
class FakeBackend:
    """Answer from the four matches above.

    Attributes:
        delay_s: How long a prediction takes.
        crash: Raised by every method, if set.
        broken_model: Name of a model that exists but is unavailable.
        batches: The queries of every call of ``predict``.
        had: The versions that were to be loaded.
        state: Changes whenever results come in, as far as the cache can tell.
        may_reload: Whether the served version may change.
        workers_serving: Of two workers, those that serve what was reloaded.
        record: What became of reloads.
    """

    delay_s: float = 0.0
    crash: Exception | None = None
    status: str = "healthy"
    broken_model: str = "broken"
    state: str = "state-1"
    has_model: bool = True
    may_reload: bool = True
    workers_serving: int = 2
    record: Agreed = field(default_factory=Agreed)
    batches: list[list[PredictionQuery]] = field(default_factory=list)
    had: list[tuple[str, str | None]] = field(default_factory=list)
    received: list[ReceivedResult] = field(default_factory=list)
    ids_of_results: dict[str, ReceivedResult] = field(default_factory=dict)

    async def have(self, model_name: str, model_version: str | None) -> None:
        self.had.append((model_name, model_version))
        if model_version == "loading":
            await asyncio.sleep(60)
        if model_version == "refused":
            raise ModelUnavailable("That version cannot answer now.", path="$.model_version")
        model = self.model(model_name)
        if model_version not in {None, model.version}:
            raise ModelVersionNotFound(model_name, str(model_version), [model.version])

    async def predict(
        self, queries: Sequence[PredictionQuery], *, deadline: float = math.inf
    ) -> list[Forecast | PredictionFailure]:
        self._fail()
        self.batches.append(list(queries))
        await asyncio.sleep(self.delay_s)
        return [self._predict(query) for query in queries]

    async def written(
        self, queries: Sequence[PredictionQuery], writer: Writer[Any], *, deadline: float = math.inf
    ) -> list[Any]:
        given = await self.predict(queries, deadline=deadline)
        kept = [(one, query) for one, query in zip(given, queries, strict=False) if isinstance(one, Forecast)]
        texts = iter(writer([one for one, _ in kept], [query for _, query in kept]))
        return [next(texts) if isinstance(one, Forecast) else one for one in given]

    def version_of(self, model_name: str, model_version: str | None) -> tuple[str, str, str]:
        model = self.model(model_name)
        if model_version not in {None, model.version}:
            raise ModelVersionNotFound(model_name, str(model_version), [model.version])
        return model.name, model.version, self.state

    def _predict(self, query: PredictionQuery) -> Forecast | PredictionFailure:
        try:
            model = self.model(query.model_name)
            if query.model_version not in {None, model.version}:
                raise ModelVersionNotFound(query.model_name, str(query.model_version), [model.version])
            match = self.match(query.match_id) if query.match_id is not None else self._described(query.described)
            self._check(query)
        except PredictionFailure as failure:
            return failure
        return Forecast(
            match=match,
            proba=PROBA,
            certainty=CERTAINTY,
            markets=MARKETS,
            model_name=model.name,
            model_version=model.version,
            model_type=model.model_type,
            features_used=USED,
            as_of=query.as_of or match.kickoff or NOON,
            feature_state_version="state-1",
            newest_result_at=NOON - dt.timedelta(days=7),
            trained_until=model.trained_until,
            degraded=("no date",) if match.kickoff is None else (),
            overridden=tuple(query.overrides),
            explanation=EXPLANATION if query.explain else None,
        )

    def _check(self, query: PredictionQuery) -> None:
        for name, value in query.overrides.items():
            feature = FEATURES.get(name)
            if feature is None or not feature.minimum <= value <= feature.maximum:
                raise FeatureInvalid(f"Feature {name!r} cannot be {value}.", path=f"$.features.{name}")

    def _described(self, described: DescribedMatch | None) -> MatchView:
        if described is None:
            raise QueryInvalid("The query names no match.")
        if described.competition != "de.1":
            raise CompetitionNotFound(described.competition, ["de.1"])
        for side in ("home_team", "away_team"):
            if getattr(described, side) not in TEAMS:
                raise TeamNotFound(getattr(described, side), "de.1", ["Köln"], path=f"$.{side}")
        if described.home_team == "Mainz 05":
            raise FeatureMissing("Feature 'elo_home' cannot be computed.", path="$.features.elo_home")
        if described.home_team == "Köln":
            raise QueryInvalid("Köln do not play at home.", path="$.home_team")
        return MatchView(
            match_id=None,
            competition="de.1",
            season="2020-21",
            kickoff=described.kickoff,
            is_date_only=False,
            home_team=described.home_team,
            away_team=described.away_team,
            status="scheduled",
            is_neutral_venue=described.is_neutral_venue,
        )

    def fixtures(
        self,
        *,
        competition: str | None,
        earliest: dt.datetime | None,
        latest: dt.datetime | None,
        team: str | None,
        status: str | None,
        offset: int,
        limit: int,
    ) -> Page:
        self._fail()
        self.teams(competition)
        if team is not None and team not in TEAMS:
            raise TeamNotFound(team, "de.1", ["Köln"], path="$.team")
        chosen = [
            match
            for match in MATCHES
            if (team is None or team in {match.home_team, match.away_team})
            and (status is None or match.status == status)
            and (earliest is None or (match.kickoff is not None and match.kickoff >= earliest))
            and (latest is None or (match.kickoff is not None and match.kickoff <= latest))
        ]
        page = chosen[offset : offset + limit]
        following = offset + limit
        return Page(page, len(chosen), following if following < len(chosen) else None)

    def match(self, match_id: str) -> MatchView:
        self._fail()
        for match in MATCHES:
            if match.match_id == match_id:
                return match
        raise MatchNotFound(match_id)

    def competitions(self) -> Sequence[Competition]:
        self._fail()
        return [Competition("de.1", ("2019-20", "2020-21"), 612, 20)]

    def teams(self, competition: str | None) -> Sequence[tuple[str, str]]:
        self._fail()
        if competition not in {None, "de.1"}:
            raise CompetitionNotFound(str(competition), ["de.1"])
        return [(name, "de") for name in TEAMS]

    def models(self) -> Sequence[ModelView]:
        self._fail()
        return [MODEL] if self.has_model else []

    def model(self, name: str) -> ModelView:
        self._fail()
        if name == self.broken_model:
            raise ModelUnavailable("The model is being loaded. Ask again in a moment.", path="$.model_name")
        if name not in {"default", MODEL.name}:
            raise ModelNotFound(name, [MODEL.name])
        return MODEL

    async def reload(self, model_name: str, model_version: str | None) -> Reloaded:
        self._fail()
        if not self.may_reload:
            raise ReloadIsOff
        model = self.model(model_name)
        if model_version not in {None, "v0", "v1", "refused"}:
            raise ModelVersionNotFound(model_name, str(model_version), [model.version])
        if model_version == "refused":
            self.record = self.record.refused(attempt("refused", "It was refused."), None)
            raise ModelUnavailable("It was refused.", path="$.model_version")
        if model_version in {None, model.version}:
            return Reloaded(model.name, model.version, None, NOON, workers=2, workers_serving=self.workers_serving)
        newest = Settled(version="v1", created_at=NOON)
        self.record = self.record.moved(attempt(str(model_version)), newest, is_rollback=True)
        return Reloaded(model.name, str(model_version), "v1", NOON, workers=2, workers_serving=self.workers_serving)

    async def watch_models(self, *, is_on: bool) -> bool:
        self._fail()
        if not self.may_reload:
            raise ReloadIsOff
        was_on = self.record.watched_since is not None
        self.record = structs.replace(self.record, watched_since=NOON if is_on else None)
        return was_on != is_on

    async def reload_record(self) -> Agreed:
        self._fail()
        return self.record

    async def receive(self, rows: Sequence[ReceivedResult]) -> list[ReceivedOutcome]:
        self._fail()
        self.received += rows
        return [self._receive(row) for row in rows]

    def _receive(self, row: ReceivedResult) -> ReceivedOutcome:
        if row.match_id is None:
            return ReceivedOutcome("refused", None, "No team in 'de.1' is called 'Kölln'.", "$.home_team")
        before = self.ids_of_results.get(row.match_id)
        self.ids_of_results[row.match_id] = row
        if before is None:
            return ReceivedOutcome("inserted", row.match_id)
        return ReceivedOutcome("unchanged" if before == row else "updated", row.match_id)

    def condition(self) -> Condition:
        self._fail()
        reasons = [] if self.status == "healthy" else ["the newest result is 40 days old"]
        is_watching = self.record.watched_since is not None
        return Condition(self.status, reasons, dt.datetime.now(dt.UTC), NOON, 2_000_000, "state-1", NOON, is_watching)

    def _fail(self) -> None:
        if self.crash is not None:
            raise self.crash
