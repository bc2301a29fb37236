"""The settings of every entry point: environment over YAML over defaults.

Only ``cli``, ``service.py`` and ``worker.py`` read this; everything below them takes
arguments. Reading makes no folder and opens nothing.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from yaml import YAMLError

SQLITE = "sqlite:///"
DEFAULT_FILE = Path(__file__).with_name("default.yaml")


def _default_home() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "football"


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_keys(host: str, callers: Path) -> str:
    """Return an address to listen on. Raises ValueError if other machines reach it and callers have no keys."""
    if not is_loopback(host) and not callers.is_file():
        raise ValueError(
            f"{host!r} can be reached from other machines, and callers have no keys; expected 127.0.0.1, ::1 or localhost. "
            "Make a key first: football keys add NAME"
        )
    return host


class CacheSettings(BaseModel):
    """Hold what the cache of encoded answers may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(description="Whether answers are kept and sent again.")
    ttl_s: float = Field(gt=0, le=86_400, description="Seconds for which, give or take a tenth; never past kick-off.")
    memory_entries: int = Field(ge=1, description="Most answers in the memory of one worker.")
    memory_bytes: int = Field(ge=1_048_576, description="Most bytes of them.")
    warm_fixtures: int = Field(ge=0, description="Coming fixtures whose answers are computed before a worker is ready.")


class ServiceSettings(BaseModel):
    """Hold what a serving process needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(description="Address to listen on: loopback only, unless callers have keys.")
    port: int = Field(ge=0, le=65_535, description="TCP port; 0 lets the system choose one.")
    workers: int = Field(ge=1, description="Serving processes, each with its own copy of model and snapshot.")
    deadline_s: float = Field(gt=0, description="Seconds after which a request is answered 504.")
    body_timeout_s: float = Field(gt=0, description="Seconds that a body may take to come before it is answered 408.")
    max_batch_size: int = Field(ge=1, le=1_000, description="Most predictions one batch request may ask for.")
    max_body_bytes: int = Field(ge=1_024, description="Largest request body in bytes; a larger one is answered 413.")
    access_log: Literal["failures", "all"] = Field(
        description="Which requests are logged, one JSON line each: those answered with an error, or all."
    )
    most_in_flight: int = Field(ge=1, le=100_000, description="Requests at work at once in a worker; more get 503.")
    most_wait_ms: float = Field(
        gt=0, description="Who would wait longer than this for his turn to be computed gets 503 at once."
    )
    rate_per_s: float = Field(
        ge=0, description="Predictions a second that each caller may ask of a worker; 0 for as many as he likes."
    )
    rate_burst: float = Field(ge=1, description="Of these, how many at once after a pause.")
    store_poll_s: float = Field(gt=0, le=5, description="Seconds between looks at the match store for new results.")
    cache: CacheSettings = Field(description="What is kept of answers, to be sent again.")
    models: tuple[str, ...] = Field(min_length=1, description="Model names to serve; the first is the default one.")
    models_loaded: int = Field(
        ge=1,
        le=10,
        description="Most models in the memory of one worker: those of models, and further versions that callers ask for.",
    )
    reload: bool = Field(
        description="Whether the served version of a model may be changed without a restart; never in a container."
    )
    hot_reload: bool = Field(
        description="Whether newer versions are served as they are saved, from the start; needs reload."
    )
    old_api_deprecated_at: AwareDatetime = Field(description="Sent as the Deprecation header of the old API.")
    old_api_ends_at: AwareDatetime = Field(description="From this instant on the old API answers 410.")

    @model_validator(mode="after")
    def _watch_only_what_may_change(self) -> Self:
        if self.hot_reload and not self.reload:
            raise ValueError("service.hot_reload is on and service.reload is off; switch both on, or hot_reload off")
        return self


class RunnerSettings(BaseModel):
    """Hold where forecasts are scored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["embedded", "service"] = Field(
        description="embedded: in every worker, the fastest; service: in a BentoML service of its own, scaled apart."
    )
    workers: int = Field(ge=1, description="Processes of that service.")
    max_batch_size: int = Field(ge=2, le=10_000, description="Most rows that it scores at once.")
    max_latency_ms: int = Field(ge=1, description="What waits longer in it is refused.")


class ReleaseSettings(BaseModel):
    """Hold what a release may take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot_ports: tuple[int, int] = Field(
        description="Ports of the two servers behind the proxy, which has service.port."
    )
    steps: tuple[Annotated[int, Field(ge=1, le=99)], ...] = Field(
        description="Percent of the traffic that a new server gets, step by step, before it gets all."
    )
    step_s: float = Field(gt=0, description="Seconds of a step; up to three times as long where requests are few.")
    fewest_answers: int = Field(ge=0, description="Answers of the new server after which a step is not made longer.")
    most_slowdown: float = Field(gt=1, description="Its 99th percentile over that of the old one; more is taken back.")
    least_slow_s: float = Field(gt=0, description="A 99th percentile up to which no server is called slow, in seconds.")
    ready_within_s: float = Field(gt=0, description="Seconds for a server to become ready.")
    drain_within_s: float = Field(gt=0, description="Seconds for an old server's last requests.")
    standby: bool = Field(
        description="Whether the old server stays up: it steps in if the new one dies, and a rollback takes a second."
    )
    kept: int = Field(ge=2, description="Releases that are kept to roll back to, the serving one included.")
    at_once_per_worker: int = Field(
        ge=1, le=4_096, description="Requests that a worker has at a time; more wait at the proxy."
    )
    stands_back: bool = Field(
        description="Whether what is examined and started has only what serving leaves of the processor; else it is done sooner."
    )


class GateSettings(BaseModel):
    """Hold what a bento may take, and how far it may differ from the one that serves, to be released."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    within_s: float = Field(gt=0, description="Seconds for the whole examination.")
    ready_within_s: float = Field(gt=0, description="Seconds for its server to become ready.")
    past_within_s: float = Field(
        ge=0, description="Seconds that are waited for old matches to be replayed, if need be."
    )
    answer_within_s: float = Field(gt=0, description="Seconds for one answer; above service.deadline_s.")
    questions: int = Field(ge=10, le=5_000, description="Most questions asked one by one.")
    fewest_recorded: int = Field(ge=0, description="With fewer recorded requests, teams of the store stand in.")
    most_slowdown: float = Field(gt=1, description="Median and 99th percentile of its times over those of what serves.")
    least_slow_median_ms: float = Field(gt=0, description="A median up to which nothing is called slow.")
    least_slow_p99_ms: float = Field(gt=0, description="A 99th percentile up to which nothing is called slow.")
    most_p99_alone_ms: float = Field(gt=0, description="The 99th percentile where nothing serves to compare with.")
    most_memory_mb: float = Field(gt=0, description="Resident memory of a server with one worker, in 10^6 bytes.")
    most_change: float = Field(gt=0, le=1, description="Of the probability of any outcome of any question.")
    most_change_p99: float = Field(gt=0, le=1, description="The 99th percentile of that over the questions.")
    scored: int = Field(ge=0, le=5_000, description="Most played matches of the store that both are scored on.")
    fewest_scored: int = Field(ge=2, description="With fewer played matches no score is judged.")
    worse_rps: float = Field(ge=0, description="Refused if the RPS is worse by more than this for sure (95 %).")
    worse_log_loss: float = Field(ge=0, description="Refused if the log loss is worse by more than this for sure.")


class RecordingSettings(BaseModel):
    """Hold which requests are written down, to be asked of the next release before it serves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str = Field(description="Absolute path, empty to record nothing; a release names one for its servers.")
    per_minute: int = Field(ge=0, le=6_000, description="Most requests that a worker records; 0 for none.")
    per_file: int = Field(ge=1, le=100_000, description="Requests in a file; a worker keeps its two newest files.")
    files: int = Field(ge=2, le=100, description="Files that stay when a worker starts, the newest of them.")


class PredictionLogSettings(BaseModel):
    """Hold whether forecasts of matches to come are kept, to be compared with the results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(description="Whether they are written to the match store.")
    keep_days: int = Field(ge=1, le=36_500, description="After so many days a forecast is forgotten.")
    compared_every_s: float = Field(
        gt=0, description="Seconds between two comparisons with the results, for the metrics."
    )


class TrainingSettings(BaseModel):
    """Hold what a training run needs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_name: str = Field(min_length=1, description="Name under which trained models are saved.")
    seed: int = Field(description="Seed of everything random; the same seed and data give the same bits.")
    validation_days: int = Field(ge=30, description="Days held back at the end to choose the number of trees.")
    warm_up_days: int = Field(ge=0, description="Days at the start of the data that only warm the features up.")
    threads: int = Field(ge=1, description="Threads of the boosting library.")


class TrustSettings(BaseModel):
    """Hold which models and bentos are believed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    required: bool = Field(
        description="Whether a model is refused that no trusted key has signed; one signed and altered always is."
    )
    floor: int = Field(ge=0, description="Lowest sequence of a signature that is believed; see `football keys floor`.")


class Settings(BaseSettings):
    """Hold every setting of the product, frozen.

    Attributes:
        home: Folder for the match store, downloads, rejects and keys; ``FOOTBALL_HOME``.
        database: URL of the match store, empty for SQLite in ``home``; ``FOOTBALL_DATABASE_URL``.
        redis: URL of the Redis that workers and servers share answers through, empty for none; ``FOOTBALL_REDIS_URL``.
        behind_proxy, past_folder, operator_token: What a release sets, see there. At the top so that older bentos pass over them.
        cache_secret: What answers in Redis are signed with, the same on every machine that shares it; empty for a
            file in ``home``; ``FOOTBALL_CACHE_SECRET``.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="FOOTBALL_", env_nested_delimiter="__")

    home: Path = Field(default_factory=_default_home)
    database: str = Field(default="", validation_alias=AliasChoices("FOOTBALL_DATABASE_URL", "database"))
    redis: str = Field(default="", validation_alias=AliasChoices("FOOTBALL_REDIS_URL", "redis"))
    cache_secret: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("FOOTBALL_CACHE_SECRET", "cache_secret")
    )
    behind_proxy: bool = Field(
        default=False,
        description=(
            "Whether a proxy sends requests as soon as this server is ready; "
            "it then is not before old matches, too, can be asked for."
        ),
    )
    api_keys_file: str = Field(
        default="",
        description="File of the keys of callers, empty for keys/callers.json in home; made by football keys add.",
    )
    operator_token: SecretStr = Field(
        default=SecretStr(""),
        description="What a release reads the metrics of its servers with, where keys are asked for.",
    )
    past_folder: str = Field(
        default="",
        description=(
            "Absolute path of the folder in which replays of old matches are kept, so that only the first process takes "
            "the seconds for one; empty for nowhere, and set by a release for its servers."
        ),
    )
    service: ServiceSettings
    runner: RunnerSettings
    release: ReleaseSettings
    gate: GateSettings
    recording: RecordingSettings
    prediction_log: PredictionLogSettings
    training: TrainingSettings
    trust: TrustSettings

    @model_validator(mode="after")
    def _reached_from_elsewhere_with_keys_only(self) -> Self:
        try:
            require_keys(self.service.host, self.callers)
        except ValueError as error:
            raise ValueError(f"service.host: {error}") from error
        return self

    def located(self) -> Settings:
        """Return the same settings with every place absolute, as seen from the current folder; ``~`` is the user's."""
        home = self.home.expanduser().absolute()
        file = _relative_file(self.database)
        database = self.database if file is None else f"{SQLITE}{Path(file).expanduser().absolute()}"
        return self.model_copy(update={"home": home, "database": database})

    def require_located(self) -> None:
        """Raise SettingsError if a place is relative: a server works in the folder of its bento, not in the caller's."""
        relative = [str(self.home)] if not self.home.is_absolute() else []
        relative += [self.database] if _relative_file(self.database) is not None else []
        if relative:
            raise SettingsError(
                f"{relative[0]!r} is a relative place, which a server would look for inside its bento. "
                "Give FOOTBALL_HOME and FOOTBALL_DATABASE_URL as absolute paths, or start it with `football serve`."
            )

    @property
    def database_url(self) -> str:
        """Return the SQLAlchemy URL of the match store."""
        return self.database or f"sqlite:///{self.home / 'matches.sqlite'}"

    @property
    def keys(self) -> Path:
        """Return the folder of the keys that sign and are trusted."""
        return self.home / "keys"

    @property
    def callers(self) -> Path:
        """Return the file of the keys of callers."""
        return Path(self.api_keys_file) if self.api_keys_file else self.keys / "callers.json"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class fixes the signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class fixes the signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read environment over the user's YAML over the shipped YAML."""
        own = os.environ.get("FOOTBALL_CONFIG")
        files = [Path(own)] if own else []
        yaml = [YamlConfigSettingsSource(settings_cls, yaml_file=file) for file in [*files, DEFAULT_FILE]]
        return (init_settings, env_settings, *yaml)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: If a value is missing, unknown or out of range; says which and what was expected.
    """
    own = os.environ.get("FOOTBALL_CONFIG")
    if own and not Path(own).is_file():
        raise SettingsError(f"FOOTBALL_CONFIG names {own!r}, which is not a file. Point it at a YAML file.")
    try:
        return Settings.model_validate({})
    except (ValueError, YAMLError) as error:
        raise SettingsError(f"The settings do not hold together: {error}") from error


def _relative_file(database: str) -> str | None:
    file = database.removeprefix(SQLITE)
    is_file = database.startswith(SQLITE) and file not in {"", ":memory:"}
    return file if is_file and not Path(file).is_absolute() else None


class SettingsError(ValueError):
    """Say which setting is wrong and what was expected."""
