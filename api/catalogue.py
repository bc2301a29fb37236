"""What the documentation says of each route."""

from __future__ import annotations

from typing import Final

from api import examples
from api.access.scopes import Scope
from api.errors import Code
from api.operations import Operation
from api.requests import CacheQuery, FixturesQuery, ModelsQuery, TeamsQuery

PREDICTIONS: Final = "Predictions"
MATCHES: Final = "Matches"
SERVICE: Final = "Models and service"
OLD: Final = "Old API"

_FAILURES: Final = (
    Code.NOT_FOUND,
    Code.MODEL_NOT_FOUND,
    Code.MODEL_VERSION_NOT_FOUND,
    Code.MATCH_NOT_FOUND,
    Code.FEATURE_INVALID,
    Code.FEATURE_MISSING,
    Code.MODEL_UNAVAILABLE,
    Code.OVERLOADED,
    Code.DEADLINE_EXCEEDED,
)
_BATCH_TEXT: Final = (
    "Answered in request order, one entry per request: a prediction, or an error with its request_index. One bad item"
    " never fails its neighbours, so the status is 200 as long as the body as a whole can be read."
)
_OLD_TEXT: Final = (
    "Kept for callers of the earlier version until the date in the Sunset header; from then on it answers 410."
)
_MODEL_FAILURES: Final = (Code.NOT_FOUND, Code.MODEL_NOT_FOUND, Code.MODEL_UNAVAILABLE)
_RELOAD_TEXT: Final = (
    "Answered when all workers serve it, after ten seconds at most; workers_serving says how many do. A version that"
    " is refused changes nothing (503 MODEL_UNAVAILABLE). It lasts until the server is restarted, which begins with"
    " what its bento pins. 403 where service.reload is off, and in containers."
)

PREDICT_KNOWN: Final = Operation(
    identifier="predict_known_match",
    scope=Scope.PREDICT,
    tag=PREDICTIONS,
    summary="Predict one known match",
    description="The body is optional. It may also repeat match_id and model_name, if it says what the URL says.",
    request="KnownMatchOptions",
    is_body_optional=True,
    answer="Prediction",
    refusals=(*_FAILURES, Code.METHOD_NOT_ALLOWED),
    example={"prediction_type": "winner"},
    example_answer=examples.PREDICTION,
)
PREDICT: Final = Operation(
    identifier="predict",
    scope=Scope.PREDICT,
    tag=PREDICTIONS,
    summary="Predict one match, known by its id or described by its teams",
    description="A match is named by match_id, or described by home_team, away_team and competition; never both.",
    request="PredictionRequest",
    answer="Prediction",
    refusals=(*_FAILURES, Code.TEAM_NOT_FOUND),
    example=examples.PREDICTION_REQUEST,
    example_answer=examples.EXPLAINED_PREDICTION,
)
PREDICT_BATCH: Final = Operation(
    identifier="predict_batch",
    scope=Scope.PREDICT,
    tag=PREDICTIONS,
    summary="Predict many matches in one call",
    description=_BATCH_TEXT,
    request="BatchPredictionRequest",
    answer="BatchPrediction",
    refusals=(Code.OVERLOADED, Code.DEADLINE_EXCEEDED),
    example=examples.BATCH_REQUEST,
    example_answer=examples.BATCH,
)
PREDICT_BATCH_WITH: Final = Operation(
    identifier="predict_batch_with_model",
    scope=Scope.PREDICT,
    tag=PREDICTIONS,
    summary="Predict many matches with one model",
    description=f"{_BATCH_TEXT} An item may repeat the model's name but not contradict it.",
    request="BatchPredictionRequest",
    answer="BatchPrediction",
    refusals=(Code.NOT_FOUND, Code.OVERLOADED, Code.DEADLINE_EXCEEDED),
    example=examples.BATCH_REQUEST,
    example_answer=examples.BATCH,
)
FIXTURES: Final = Operation(
    identifier="list_fixtures",
    scope=Scope.PREDICT,
    tag=MATCHES,
    summary="List matches by kick-off, undated ones last",
    description="A page is followed by asking again with offset set to its next_offset, until that is null.",
    answer="Fixtures",
    query=FixturesQuery,
    refusals=(Code.NOT_FOUND, Code.TEAM_NOT_FOUND),
    example_answer=examples.FIXTURES,
)
MATCH: Final = Operation(
    identifier="get_match",
    scope=Scope.PREDICT,
    tag=MATCHES,
    summary="Show one match",
    answer="Match",
    refusals=(Code.NOT_FOUND, Code.MATCH_NOT_FOUND),
    example_answer=examples.MATCH,
)
COMPETITIONS: Final = Operation(
    identifier="list_competitions",
    scope=Scope.PREDICT,
    tag=MATCHES,
    summary="List the competitions",
    answer="Competitions",
    example_answer=examples.COMPETITIONS,
)
TEAMS: Final = Operation(
    identifier="list_teams",
    scope=Scope.PREDICT,
    tag=MATCHES,
    summary="List the teams, of one competition or of all",
    answer="Teams",
    query=TeamsQuery,
    refusals=(Code.NOT_FOUND,),
    example_answer=examples.TEAMS,
)
RESULTS: Final = Operation(
    identifier="post_results",
    scope=Scope.OPERATOR,
    tag=MATCHES,
    summary="Post results and fixtures",
    description=(
        "For operators. Posting a row twice changes nothing. A row that cannot be taken is refused on its own, with a"
        " code, a message and the path of the field; the status is 200 as long as the body as a whole can be read."
    ),
    request="ResultsRequest",
    answer="ResultsReceipt",
    refusals=(Code.DEADLINE_EXCEEDED,),
    example=examples.RESULTS_REQUEST,
    example_answer=examples.RESULTS,
)
MODELS: Final = Operation(
    identifier="list_models",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="List the served models, the default one first",
    answer="ModelList",
    query=ModelsQuery,
    example_answer=examples.MODELS,
)
MODEL: Final = Operation(
    identifier="get_model",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="Show one served model with its features, their importance and its card",
    description="The name default stands for the default model.",
    answer="ModelDetail",
    refusals=(Code.NOT_FOUND, Code.MODEL_NOT_FOUND, Code.MODEL_UNAVAILABLE),
    example_answer=examples.MODEL_DETAIL,
)
RELOAD: Final = Operation(
    identifier="reload_model",
    scope=Scope.OPERATOR,
    tag=SERVICE,
    summary="Serve another saved version of a model, without a restart",
    description=(
        "For operators. Without a body the newest saved version, else the one that is named, also an older one. It is"
        " loaded and proved beside the one that serves, then takes its place in every worker; no request waits or fails"
        f" meanwhile, and what served before stays loaded to return to. {_RELOAD_TEXT}"
    ),
    request="ReloadRequest",
    is_body_optional=True,
    answer="ModelReload",
    refusals=(Code.FORBIDDEN, *_MODEL_FAILURES, Code.MODEL_VERSION_NOT_FOUND, Code.OVERLOADED),
    example=examples.RELOAD_REQUEST,
    example_answer=examples.RELOAD,
)
HOT_RELOAD_START: Final = Operation(
    identifier="start_hot_reload",
    scope=Scope.OPERATOR,
    tag=SERVICE,
    summary="Serve newer versions of the models as they are saved",
    description=(
        "For operators. The model store is watched; a version that was made later than all that were served or tried is"
        " reloaded once its files have not changed for two seconds. One that is refused is tried again only if its files"
        " change. Setting service.hot_reload has it on from the start."
    ),
    answer="WatchStarted",
    refusals=(Code.FORBIDDEN,),
    example_answer=examples.HOT_RELOAD_STARTED,
)
HOT_RELOAD_STOP: Final = Operation(
    identifier="stop_hot_reload",
    scope=Scope.OPERATOR,
    tag=SERVICE,
    summary="Serve newer versions only when asked for",
    description="For operators. What serves now goes on.",
    answer="WatchStopped",
    refusals=(Code.FORBIDDEN,),
    example_answer=examples.HOT_RELOAD_STOPPED,
)
HOT_RELOAD_FORCE: Final = Operation(
    identifier="force_hot_reload",
    scope=Scope.OPERATOR,
    tag=SERVICE,
    summary="Serve the newest saved version of a model now, whether or not the store is watched",
    description=f"For operators. {_RELOAD_TEXT}",
    answer="ForcedReload",
    refusals=(Code.FORBIDDEN, *_MODEL_FAILURES, Code.OVERLOADED),
    example_answer=examples.FORCED_RELOAD,
)
HOT_RELOAD_STATS: Final = Operation(
    identifier="get_hot_reload_stats",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="Show what became of reloads since the server started, over all workers",
    answer="ReloadStats",
    example_answer=examples.HOT_RELOAD_STATS,
)
HEALTH: Final = Operation(
    identifier="get_health",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="Say how the service is",
    description="200 while it can predict, 503 when it cannot; reasons say what is wrong.",
    answer="Health",
    other_answers=((503, "Health", "The service cannot predict."),),
    example_answer=examples.HEALTH,
)
STATS: Final = Operation(
    identifier="get_stats",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="Show what the server has counted since it started, over all workers",
    answer="Stats",
    example_answer=examples.STATS,
)
CACHE_STATS: Final = Operation(
    identifier="get_cache_stats",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="Show what the cache holds and has counted, over all workers",
    answer="CacheStats",
    example_answer=examples.CACHE_STATS,
)
CACHE_HEALTH: Final = Operation(
    identifier="get_cache_health",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="Ask Redis how it is",
    description="200 whatever the cache says: predictions do not need it.",
    answer="CacheHealth",
    example_answer=examples.CACHE_HEALTH,
)
PURGE_CACHE: Final = Operation(
    identifier="purge_cache",
    scope=Scope.OPERATOR,
    tag=SERVICE,
    summary="Delete cached answers by a glob over model and match",
    description="Never needed after new results or a new model: their answers have keys of their own.",
    query=CacheQuery,
    answer="CachePurge",
    example_answer=examples.CACHE_PURGE,
)
PURGE_MODEL_CACHE: Final = Operation(
    identifier="purge_model_cache",
    scope=Scope.OPERATOR,
    tag=SERVICE,
    summary="Delete the cached answers of one model",
    answer="CachePurge",
    refusals=(Code.NOT_FOUND, Code.MODEL_NOT_FOUND, Code.MODEL_UNAVAILABLE),
    example_answer=examples.CACHE_PURGE,
)
OPENAPI: Final = Operation(
    identifier="get_openapi",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="This document",
    answer="OpenApiDocument",
)
DOCS: Final = Operation(
    identifier="get_docs",
    scope=Scope.PREDICT,
    tag=SERVICE,
    summary="This document as a page to read",
    media_type="text/html",
)
OLD_PREDICT: Final = Operation(
    identifier="old_predict",
    scope=Scope.PREDICT,
    tag=OLD,
    summary="Predict one match",
    description=f"{_OLD_TEXT} model_version default or null is the current one.",
    request="OldPredictRequest",
    is_body_optional=True,
    answer="OldPrediction",
    status=201,
    refusals=(*(code for code in _FAILURES if code is not Code.FEATURE_INVALID), Code.GONE),
    example={"include_details": False},
    example_answer=examples.OLD_PREDICTION,
    is_deprecated=True,
)
OLD_BATCH: Final = Operation(
    identifier="old_predict_batch",
    scope=Scope.PREDICT,
    tag=OLD,
    summary="Predict many matches",
    description=_OLD_TEXT,
    request="OldBatchRequest",
    answer="OldBatch",
    refusals=(Code.DEADLINE_EXCEEDED, Code.GONE),
    example={"match_ids": [examples.MATCH_ID, "unknown"]},
    example_answer=examples.OLD_BATCH,
    is_deprecated=True,
)
OLD_CARD: Final = Operation(
    identifier="old_card",
    scope=Scope.PREDICT,
    tag=OLD,
    summary="List the old endpoints and what replaces each",
    description=_OLD_TEXT,
    answer="OldCard",
    refusals=(Code.GONE,),
    example_answer=examples.OLD_CARD,
    is_deprecated=True,
)
OLD_HEALTH: Final = Operation(
    identifier="old_health",
    scope=Scope.PREDICT,
    tag=OLD,
    summary="Say how the service is",
    description=_OLD_TEXT,
    answer="OldHealth",
    other_answers=((503, "OldHealth", "The service cannot predict."),),
    refusals=(Code.GONE,),
    example_answer=examples.OLD_HEALTH,
    is_deprecated=True,
)
