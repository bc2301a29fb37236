"""What the API may ask of the rest of the service.

The API depends on this and on nothing behind it; ``service.py`` hands in the
one implementation. Methods that are not ``async`` answer from memory.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from runners.errors import PredictionFailure
from runners.ledger import Agreed
from runners.queries import (
    Competition,
    MatchView,
    ModelView,
    Page,
    PredictionQuery,
    ReceivedOutcome,
    ReceivedResult,
    Reloaded,
    Writer,
)

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Condition:
    """Show how the service is: status is ``healthy``, ``degraded`` (with reasons) or ``unhealthy``.

    Attributes:
        is_watching_models: Whether newer versions of the models are served as they are saved.
    """

    status: str
    reasons: Sequence[str]
    started_at: dt.datetime
    last_prediction_at: dt.datetime | None
    memory_bytes: int
    feature_state_version: str
    newest_result_at: dt.datetime | None
    is_watching_models: bool = False


class Backend(Protocol):
    """Answer what the API asks."""

    async def written(
        self, queries: Sequence[PredictionQuery], writer: Writer[W], *, deadline: float = math.inf
    ) -> list[W | PredictionFailure]:
        """Answer queries in order with what a writer makes of the forecasts; one that fails yields its failure.

        A query that fails harms no other.

        Args:
            queries: Of any models.
            writer: Called once with all forecasts that were computed together.
            deadline: By ``time.monotonic``; what would begin later fails with DeadlinePassed or Overloaded instead.
        """
        ...

    async def have(self, model_name: str, model_version: str | None) -> None:
        """See to it that a version of a served model can answer; may take a second, and none where it can already.

        Raises:
            ModelNotFound, ModelVersionNotFound, ModelUnavailable: If that version cannot answer.
            Overloaded: If too many wait for others already.
        """
        ...

    def version_of(self, model_name: str, model_version: str | None) -> tuple[str, str, str]:
        """Return the full name and version of a model, and a text that changes whenever its answers may.

        Raises:
            ModelNotFound, ModelVersionNotFound, ModelUnavailable: If the model cannot answer.
        """
        ...

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
        """List matches by kick-off, undated fixtures last.

        Raises:
            CompetitionNotFound, TeamNotFound: If a filter names what the store does not have.
        """
        ...

    def match(self, match_id: str) -> MatchView:
        """Return one match. Raises MatchNotFound."""
        ...

    def competitions(self) -> Sequence[Competition]:
        """List the competitions of the store."""
        ...

    def teams(self, competition: str | None) -> Sequence[tuple[str, str]]:
        """List (team name, association), of one competition or of all. Raises CompetitionNotFound."""
        ...

    def models(self) -> Sequence[ModelView]:
        """List the served models, the default one first."""
        ...

    def model(self, name: str) -> ModelView:
        """Return one served model; ``default`` names the default one. Raises ModelNotFound, ModelUnavailable."""
        ...

    async def reload(self, model_name: str, model_version: str | None) -> Reloaded:
        """Serve another saved version of a model in all workers, the newest if none is named.

        Raises:
            ReloadIsOff: If the served versions never change.
            ModelNotFound, ModelVersionNotFound, ModelUnavailable, Overloaded: If that one cannot serve; nothing has changed.
        """
        ...

    async def watch_models(self, *, is_on: bool) -> bool:
        """Begin or cease to serve newer versions as they are saved; return whether that is a change. Raises ReloadIsOff."""
        ...

    async def reload_record(self) -> Agreed:
        """Return which versions the workers agree to serve, and what became of reloads."""
        ...

    async def receive(self, rows: Sequence[ReceivedResult]) -> list[ReceivedOutcome]:
        """Upsert results and fixtures; idempotent, answers in order, one bad row harms no other."""
        ...

    def condition(self) -> Condition:
        """Return the health of the service."""
        ...
