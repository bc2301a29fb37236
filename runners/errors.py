"""What can go wrong between a question and its forecast.

PredictionFailure            any of the below; the API maps each class to one code
├── ModelNotFound            no model of that name
├── ModelVersionNotFound     the model exists, that version does not
├── ModelUnavailable         the model exists but could not be loaded or verified
├── MatchNotFound            no match of that id
├── TeamNotFound             a name that resolves to no team; carries the nearest names
├── CompetitionNotFound      a competition code the store does not know
├── FeatureInvalid           an override that is unknown or out of range
├── FeatureMissing           a feature the model cannot do without
├── QueryInvalid             a question that contradicts itself
├── ReloadIsOff              a change of the served version where that is not allowed
├── Overloaded               more questions wait than can be answered in time
└── DeadlinePassed           the time for an answer ran out while the question waited
"""

from __future__ import annotations

from collections.abc import Sequence


class PredictionFailure(Exception):
    """Hold the message for the caller and the path of the field at fault, such as ``$.features.elo_home``."""

    def __init__(self, message: str, *, path: str | None = None, details: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.details = details or {}


class ModelNotFound(PredictionFailure):
    """Say that no model has that name, and which have one."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"No model is called {name!r}. Known models: {', '.join(sorted(known)) or 'none'}.",
            path="$.model_name",
            details={"model_name": name, "known_models": sorted(known)},
        )


class ModelVersionNotFound(PredictionFailure):
    """Say that the model has no such version, and which it has."""

    def __init__(self, name: str, version: str, known: Sequence[str]) -> None:
        super().__init__(
            f"Model {name!r} has no version {version!r}. Served versions: {', '.join(known) or 'none'}.",
            path="$.model_version",
            details={"model_name": name, "model_version": version, "known_versions": list(known)},
        )


class ModelUnavailable(PredictionFailure):
    """Say that a model cannot answer now, without naming anything of the inside."""


class MatchNotFound(PredictionFailure):
    """Say that no match has that id."""

    def __init__(self, match_id: str) -> None:
        super().__init__(
            f"No match has the id {match_id!r}. GET /v1/fixtures lists those that can be asked for.",
            path="$.match_id",
            details={"match_id": match_id},
        )


class TeamNotFound(PredictionFailure):
    """Say that a name resolves to no team, and name the nearest ones; never guess."""

    def __init__(self, name: str, competition: str, nearest: Sequence[str], *, path: str) -> None:
        hint = f" Did you mean {' or '.join(repr(n) for n in nearest)}?" if nearest else ""
        super().__init__(
            f"No team in {competition!r} is called {name!r}.{hint} GET /v1/teams lists the known names.",
            path=path,
            details={"team": name, "competition": competition, "nearest": list(nearest)},
        )


class CompetitionNotFound(PredictionFailure):
    """Say that the store has no such competition, and which it has."""

    def __init__(self, competition: str, known: Sequence[str]) -> None:
        super().__init__(
            f"No competition has the code {competition!r}. Known codes: {', '.join(known)}.",
            path="$.competition",
            details={"competition": competition, "known_competitions": list(known)},
        )


class FeatureInvalid(PredictionFailure):
    """Say which override is unknown or out of range, and what is allowed."""


class FeatureMissing(PredictionFailure):
    """Say which feature the model needs and cannot compute for this match."""


class QueryInvalid(PredictionFailure):
    """Say which parts of the question contradict each other."""


class ReloadIsOff(PredictionFailure):
    """Say that this server does not change what it serves, and what to do instead."""

    def __init__(self) -> None:
        super().__init__(
            "This server goes on with the models that its bento was built with: reload is switched off here, or it runs"
            " in a container. Release another bento."
        )


class Overloaded(PredictionFailure):
    """Say that too many questions wait, and after how many seconds it is worth asking again."""

    retry_after_s = 1

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            f"More predictions are asked for than can be answered in time. Ask again in {retry_after_s} s.",
            details={"retry_after_s": retry_after_s},
        )
        self.retry_after_s = retry_after_s


class DeadlinePassed(PredictionFailure):
    """Say that the time allowed for an answer passed before it could be computed."""

    def __init__(self) -> None:
        super().__init__("The time allowed for an answer passed while the question waited. Ask again.")
