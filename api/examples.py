"""Example bodies and answers for the documentation. Tests check each against its schema."""

from __future__ import annotations

from typing import Any, Final

REQUEST_ID: Final = "5f0c8d1e9b7a4c3d8e2f1a0b9c8d7e6f"
MATCH_ID: Final = "de.1-2020-21-8f3a5c"
VERSION: Final = "7kq2xnv4mo"

MATCH: Final[dict[str, Any]] = {
    "match_id": MATCH_ID,
    "competition": "de.1",
    "season": "2020-21",
    "kickoff": "2021-05-22T13:30:00Z",
    "is_date_only": False,
    "home_team": "Bayern München",
    "away_team": "FC Augsburg",
    "status": "scheduled",
    "neutral_venue": False,
    "home_goals": None,
    "away_goals": None,
}
PREDICTION: Final[dict[str, Any]] = {
    "request_id": REQUEST_ID,
    "match_id": MATCH_ID,
    "predicted_at": "2021-05-21T09:00:00Z",
    "home_win_prob": 0.75,
    "draw_prob": 0.15,
    "away_win_prob": 0.1,
    "predicted_outcome": "home_win",
    "confidence": 0.75,
    "model_name": "football",
    "model_version": VERSION,
    "model_type": "ensemble",
    "features_used": ["elo_difference", "goals_expected_home"],
    "prediction_time_ms": 1.7,
    "cached": False,
    "degraded": False,
    "metadata": {
        "prediction_type": "winner",
        "match": MATCH,
        "as_of": "2021-05-21T09:00:00Z",
        "feature_state_version": "b1946ac9",
        "newest_result_at": "2021-05-16T16:00:00Z",
        "trained_until": "2020-08-01T00:00:00Z",
        "overridden_features": [],
        "degraded_reasons": [],
    },
    "expected_goals": None,
    "over_under": None,
    "both_teams_to_score": None,
    "double_chance": {"home_or_draw": 0.9, "home_or_away": 0.85, "draw_or_away": 0.25},
    "draw_no_bet": {"home": 0.8824, "away": 0.1176},
    "asian_handicap": None,
    "correct_score": None,
    "prediction_set": {"coverage": 0.8, "outcomes": ["home_win", "draw"], "probability": 0.9, "abstain": False},
    "probability_intervals": {
        "coverage": 0.8,
        "home_win": {"low": 0.7, "high": 0.79},
        "draw": {"low": 0.13, "high": 0.17},
        "away_win": {"low": 0.08, "high": 0.13},
    },
    "intervals": None,
    "explanation": None,
}
EXPLANATION: Final[dict[str, Any]] = {
    "base": {
        "log_odds": {"home_win": 0.3030, "draw": -0.2231, "away_win": -0.0799},
        "probability": {"home_win": 0.44, "draw": 0.26, "away_win": 0.3},
    },
    "margin": {"home_win": 1.2081, "draw": -0.4013, "away_win": -0.8068},
    "contributions": [
        {
            "feature": "goals_expected_home",
            "value": 2.9,
            "log_odds": {"home_win": 0.6836, "draw": -0.2248, "away_win": -0.4588},
            "probability": {"home_win": 0.2353, "draw": -0.1015, "away_win": -0.1338},
        },
        {
            "feature": "elo_difference",
            "value": 341.5,
            "log_odds": {"home_win": 0.2215, "draw": 0.0466, "away_win": -0.2681},
            "probability": {"home_win": 0.0747, "draw": -0.0085, "away_win": -0.0662},
        },
    ],
}
EXPLAINED_PREDICTION: Final[dict[str, Any]] = {**PREDICTION, "explanation": EXPLANATION}
PREDICTION_REQUEST: Final[dict[str, Any]] = {
    "home_team": "Bayern München",
    "away_team": "FC Augsburg",
    "competition": "de.1",
    "kickoff": "2021-05-22T13:30:00Z",
    "prediction_type": "winner",
    "explain": True,
}
BATCH_REQUEST: Final[dict[str, Any]] = {
    "batch_id": "weekend",
    "requests": [{"match_id": MATCH_ID}, {"match_id": "unknown"}],
}
BATCH_ERROR: Final[dict[str, Any]] = {
    "request_index": 1,
    "match_id": "unknown",
    "error": "MATCH_NOT_FOUND",
    "message": "No match has the id 'unknown'. GET /v1/fixtures lists those that can be asked for.",
    "details": {"match_id": "unknown", "path": "$.requests[1].match_id"},
}
BATCH: Final[dict[str, Any]] = {
    "batch_id": "weekend",
    "total_requests": 2,
    "successful_predictions": 1,
    "failed_predictions": 1,
    "predictions": [PREDICTION, BATCH_ERROR],
    "errors": [BATCH_ERROR],
    "batch_time_ms": 2.4,
    "cached_count": 0,
}
FIXTURES: Final[dict[str, Any]] = {"matches": [MATCH], "total": 1, "limit": 100, "offset": 0, "next_offset": None}
COMPETITIONS: Final[dict[str, Any]] = {
    "competitions": [{"code": "de.1", "seasons": ["2019-20", "2020-21"], "matches": 612, "teams": 20}],
    "total": 1,
}
TEAMS: Final[dict[str, Any]] = {"teams": [{"name": "Bayern München", "association": "de"}], "total": 1}
RESULTS_REQUEST: Final[dict[str, Any]] = {
    "results": [
        {"match_id": MATCH_ID, "status": "played", "home_goals": 5, "away_goals": 2},
        {"status": "played", "competition": "de.1", "season": "2020-21", "home_team": "Bayrn", "away_team": "Mainz 05"},
    ]
}
RESULTS: Final[dict[str, Any]] = {
    "total": 2,
    "inserted": 0,
    "updated": 1,
    "unchanged": 0,
    "refused": 1,
    "results": [
        {"index": 0, "outcome": "updated", "match_id": MATCH_ID, "error": None, "message": None, "path": None},
        {
            "index": 1,
            "outcome": "refused",
            "match_id": None,
            "error": "INVALID_REQUEST",
            "message": "No team in 'de.1' is called 'Bayrn'. Did you mean 'Bayern München'?",
            "path": "$.results[1].home_team",
        },
    ],
}
MODEL: Final[dict[str, Any]] = {
    "model_name": "football",
    "model_version": VERSION,
    "model_type": "ensemble",
    "created_at": "2020-08-02T06:00:00Z",
    "file_size": 1843200,
    "accuracy": 0.53,
    "features": ["elo_difference", "goals_expected_home"],
    "metadata": {"n_matches": 61250},
    "metrics": {"rps": 0.196, "accuracy": 0.53},
    "trained_until": "2020-08-01T00:00:00Z",
}
MODELS: Final[dict[str, Any]] = {"models": [MODEL], "total_models": 1, "default_model": "football"}
MODEL_DETAIL: Final[dict[str, Any]] = {
    **MODEL,
    "feature_list": [
        {
            "name": "elo_difference",
            "meaning": "home minus away Elo, with the competition's home advantage",
            "unit": "Elo points",
            "minimum": -2000.0,
            "maximum": 2000.0,
            "missing": "never missing",
            "version": 1,
        }
    ],
    "importance": {"elo_difference": 0.6, "goals_expected_home": 0.4},
    "card": {"n_matches": 61250},
}
HEALTH: Final[dict[str, Any]] = {
    "status": "healthy",
    "model_loaded": True,
    "cache_status": "healthy",
    "hot_reload_enabled": False,
    "loaded_models": [MODEL],
    "uptime_seconds": 86400.0,
    "memory_usage_mb": 210.5,
    "last_prediction_time": "2021-05-21T09:00:00Z",
    "reasons": [],
    "feature_state_version": "b1946ac9",
    "newest_result_at": "2021-05-16T16:00:00Z",
}
STATS: Final[dict[str, Any]] = {
    "total_predictions": 1000,
    "successful_predictions": 990,
    "failed_predictions": 10,
    "internal_errors": 0,
    "cache_hits": 780,
    "cache_misses": 220,
    "average_prediction_time": 1.7,
    "success_rate": 0.99,
    "cache_hit_rate": 0.78,
    "started_at": "2021-05-20T09:00:00Z",
}
CACHE_STATS: Final[dict[str, Any]] = {
    "hits": 780,
    "memory_hits": 700,
    "redis_hits": 80,
    "misses": 220,
    "shared": 12,
    "sets": 208,
    "deletes": 0,
    "errors": 0,
    "dropped_writes": 0,
    "odd_values": {"forged": 0},
    "hit_rate": 0.78,
    "total_operations": 1208,
    "memory_entries": 208,
    "memory_bytes": 998400,
    "breaker": "closed",
    "is_healthy": True,
    "last_operation": {
        "operation": "get",
        "cache_key": "fp:1:football:x:8aff914ca6b61bfa2a75f8eaf36ccb0f",
        "timestamp": "2021-05-21T09:00:00Z",
    },
    "created_at": "2021-05-20T09:00:00Z",
    "uptime_seconds": 86400.0,
}
CACHE_HEALTH: Final[dict[str, Any]] = {
    "status": "healthy",
    "response_time_ms": 0.4,
    "redis_info": {"used_memory": 1048576, "connected_clients": 2},
    "error": None,
    "cache_stats": CACHE_STATS,
    "last_check": "2021-05-21T09:00:00Z",
}
CACHE_PURGE: Final[dict[str, Any]] = {
    "status": "success",
    "message": "Answers of before are not sent again.",
    "pattern": "football:*",
    "deleted_count": 208,
}
OLDER_VERSION: Final = "20210514t060000"
NEWER_VERSION: Final = "20210521t060000"
RELOAD_REQUEST: Final[dict[str, Any]] = {"model_version": NEWER_VERSION}
_RELOADED: Final[dict[str, Any]] = {
    "status": "success",
    "message": f"It serves in place of {OLDER_VERSION}, which stays loaded. A restarted server begins with its bento's.",
    "model_name": "football",
    "model_version": NEWER_VERSION,
    "previous_version": OLDER_VERSION,
    "workers": 2,
    "workers_serving": 2,
}
RELOAD: Final[dict[str, Any]] = {**_RELOADED, "reloaded_at": "2021-05-21T09:00:01Z"}
FORCED_RELOAD: Final[dict[str, Any]] = {**_RELOADED, "initiated_at": "2021-05-21T09:00:00Z"}
HOT_RELOAD_STARTED: Final[dict[str, Any]] = {
    "status": "success",
    "message": "Newer versions are served as they are saved.",
    "started_at": "2021-05-20T09:00:00Z",
}
HOT_RELOAD_STOPPED: Final[dict[str, Any]] = {
    "status": "success",
    "message": "What serves now goes on; newer versions are left alone.",
    "stopped_at": "2021-05-21T09:00:00Z",
}
HOT_RELOAD_STATS: Final[dict[str, Any]] = {
    "total_reloads": 4,
    "successful_reloads": 3,
    "failed_reloads": 1,
    "rollbacks": 1,
    "success_rate": 0.75,
    "is_monitoring": True,
    "last_reload": {
        "timestamp": "2021-05-21T06:00:04Z",
        "model_name": "football",
        "model_version": NEWER_VERSION,
        "status": "success",
        "reload_time_seconds": 0.6,
        "error": None,
    },
    "monitoring_start": "2021-05-20T09:00:00Z",
    "uptime_seconds": 86400.0,
    "reload_history_count": 4,
}
OLD_PREDICTION: Final[dict[str, Any]] = {
    "match_id": MATCH_ID,
    "home_win_prob": 0.75,
    "draw_prob": 0.15,
    "away_win_prob": 0.1,
    "predicted_outcome": "home",
    "confidence": 0.75,
    "model_version": VERSION,
    "predicted_at": "2021-05-21T09:00:00Z",
    "details": None,
}
OLD_BATCH: Final[dict[str, Any]] = {
    "predictions": [OLD_PREDICTION],
    "total": 2,
    "success_count": 1,
    "failed_count": 1,
    "failed_match_ids": ["unknown"],
}
OLD_CARD: Final[dict[str, Any]] = {
    "service": "predictions",
    "endpoints": [{"method": "GET", "path": "/predictions/health", "successor": "/v1/predictions/health"}],
    "deprecated_at": "2021-05-01T00:00:00Z",
    "ends_at": "2021-05-31T00:00:00Z",
}
OLD_HEALTH: Final[dict[str, Any]] = {"status": "healthy", "service": "predictions"}
ERROR: Final[dict[str, Any]] = {
    "error": "MATCH_NOT_FOUND",
    "message": "No match has the id 'unknown'. GET /v1/fixtures lists those that can be asked for.",
    "details": {"match_id": "unknown", "path": "$.match_id"},
    "request_id": REQUEST_ID,
    "timestamp": "2021-05-21T09:00:00Z",
}
