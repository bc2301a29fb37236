"""Each alert fires when it should and only then: healthy, just under, just over, recovered, without traffic; by promtool."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.build import CHECKOUT

RULES = CHECKOUT / "deploy" / "compose" / "rules.yaml"
SEVERITIES = {"page", "ticket", "warning"}
PER_MINUTE = 6_000
DAY_S = 86_400
SOON_M, LONG_M, DAYS_M = 75, 400, 4_410  # minutes after which it must have been noticed

Series = list[tuple[str, Callable[[float], float]]]  # a counter's growth a minute at a level of trouble

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")


@dataclass(frozen=True)
class Trouble:
    """How one alert's trouble looks in the metrics at a level, and at which level it fires.

    Attributes:
        series: Counters, by how much they grow a minute; or gauges, by their value.
        least: What is wrong from here on; for ``is_below`` what is wrong up to here.
        fine: A level at which all is well.
        after_m: Minutes after which it must fire.
        step_m: Minutes between two samples.
    """

    series: Series
    least: float
    fine: float = 0.0
    after_m: int = SOON_M
    step_m: int = 1
    is_gauge: bool = False
    is_below: bool = False

    @property
    def over(self) -> float:
        """A level that is just too much."""
        return self.least * (0.9 if self.is_below else 1.1)

    @property
    def under(self) -> float:
        """A level that is just not."""
        return self.least * (1.1 if self.is_below else 0.9)


def failing(after_m: int, least: float, step_m: int = 1) -> Trouble:
    return Trouble(
        [
            ('football_requests_total{status="200"}', lambda ratio: PER_MINUTE * (1 - ratio)),
            ('football_requests_total{status="503"}', lambda ratio: PER_MINUTE * ratio),
        ],
        least,
        after_m=after_m,
        step_m=step_m,
    )


def slow(after_m: int, least: float, step_m: int = 1) -> Trouble:
    return Trouble(
        [
            ('football_requests_total{status="200"}', lambda _: PER_MINUTE),
            ("football_request_duration_seconds_count", lambda _: PER_MINUTE),
            ('football_request_duration_seconds_bucket{le="0.2"}', lambda ratio: PER_MINUTE * (1 - ratio)),
        ],
        least,
        after_m=after_m,
        step_m=step_m,
    )


def gauge(name: str, least: float, *, fine: float = 0.0, after_m: int = SOON_M, is_below: bool = False) -> Trouble:
    return Trouble([(name, lambda level: level)], least, fine, after_m, is_gauge=True, is_below=is_below)


TROUBLES = {
    "AvailabilityBurnsFast": failing(SOON_M, 0.0144),
    "AvailabilityBurns": failing(LONG_M, 0.006, 5),
    "AvailabilityBurnsSlowly": failing(DAYS_M, 0.001, 30),
    "SlownessBurnsFast": slow(SOON_M, 0.144),
    "SlownessBurns": slow(LONG_M, 0.06, 5),
    "AnswersAreSlow": Trouble(
        [
            ('football_request_duration_seconds_bucket{le="0.1"}', lambda _: PER_MINUTE * 0.9),
            (
                'football_request_duration_seconds_bucket{le="0.2"}',
                lambda excess: PER_MINUTE * (0.95 - 0.05 * (excess - 1)),
            ),
            ('football_request_duration_seconds_bucket{le="0.5"}', lambda _: PER_MINUTE),
            ('football_request_duration_seconds_bucket{le="+Inf"}', lambda _: PER_MINUTE),
        ],
        1.0,
    ),
    "RequestsFail": failing(SOON_M, 0.05),
    "CallersAreShed": Trouble(
        [
            ("football_requests_total", lambda _: PER_MINUTE),
            ('football_refusals_total{code="OVERLOADED"}', lambda ratio: PER_MINUTE * ratio),
        ],
        0.05,
    ),
    "CacheHitsAreFew": Trouble(
        [
            ('football_cache_lookups_total{result="memory_hit"}', lambda ratio: PER_MINUTE * ratio),
            ('football_cache_lookups_total{result="miss"}', lambda ratio: PER_MINUTE * (1 - ratio)),
        ],
        0.2,
        fine=0.8,
        is_below=True,
    ),
    "ReplicaDown": gauge('up{job="football",instance="a"}', 0.0, fine=1.0),
    "RedisIsAway": gauge("football_cache_healthy", 0.0, fine=1.0),
    "ModelRefused": gauge("football_models_refused", 0.0),
    "StoreUnreadable": Trouble([("football_store_poll_failures_total", lambda count: count)], 0.0),
    "ResultsAreOld": gauge("football_newest_result_timestamp_seconds", 30.0, after_m=120),
    "ModelIsOld": gauge("football_model_trained_until_timestamp_seconds", 120.0, after_m=120),
    "WorkersDie": Trouble([("football_worker_restarts_total", lambda an_hour: an_hour / 60)], 2.0, fine=0.0),
    "ForecastsAreOff": gauge("football_calibration_alarm", 0.0),
    "ForecastsDrift": gauge('football_forecast_drift{outcome="home"}', 0.25),
    "FeatureIsLost": gauge("football_feature_drift", 3.0),
    "ForecastsAreNotLogged": Trouble([('football_prediction_log_rows_total{result="lost"}', lambda count: count)], 0.0),
}
SWITCHES = {"ReplicaDown", "RedisIsAway", "ModelRefused", "StoreUnreadable", "ForecastsAreOff", "ForecastsAreNotLogged"}
"""What is either so or not: there is no level just under it."""
BY_THE_CLOCK = {"ResultsAreOld", "ModelIsOld"}


def values_of(trouble: Trouble, growth: Callable[[float], float], level: float, then: float) -> str:
    """The samples of one series: at a level until it must have fired, then at another for as long."""
    steps = trouble.after_m // trouble.step_m
    if trouble.is_gauge:
        return f"{growth(level)}x{steps} {growth(then)}x{steps}"
    first, second = growth(level) * trouble.step_m, growth(then) * trouble.step_m
    return f"0+{first}x{steps} {first * steps + second}+{second}x{steps}"


def case_of(name: str, trouble: Trouble, level: float, then: float, fires: tuple[bool, bool]) -> dict[str, Any]:
    """A test of promtool: whether an alert fires after a time at one level, and after as long at another."""
    asked = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
    moments = zip((trouble.after_m, 2 * trouble.after_m), fires, strict=True)
    return {
        "interval": f"{trouble.step_m}m",
        "input_series": [
            {"series": series, "values": values_of(trouble, growth, level, then)} for series, growth in trouble.series
        ],
        "promql_expr_test": [
            {"expr": asked, "eval_time": f"{minutes}m", "exp_samples": [{"labels": "{}", "value": int(is_firing)}]}
            for minutes, is_firing in moments
        ],
    }


def cases_of(name: str) -> list[dict[str, Any]]:
    """Healthy, just under, just over and then recovered, and no traffic at all."""
    trouble = TROUBLES[name]
    if name in BY_THE_CLOCK:
        return aged_cases(name, trouble)
    over = {"ReplicaDown": 0.0, "RedisIsAway": 0.0}.get(name, 3.0) if name in SWITCHES else trouble.over
    cases = [
        case_of(name, trouble, trouble.fine, trouble.fine, (False, False)),
        case_of(name, trouble, over, trouble.fine, (True, False)),
        case_of(name, trouble, over, over, (True, True)),
    ]
    if name not in SWITCHES:
        cases.append(case_of(name, trouble, trouble.under, trouble.under, (False, False)))
    silent = case_of(name, trouble, over, over, (False, False))
    for series in silent["input_series"]:
        series["values"] = "_x10" if trouble.is_gauge else "0x10"
    return [*cases, silent]


def near(name: str) -> list[dict[str, Any]]:
    """The cases just over and just under the threshold."""
    trouble = TROUBLES[name]
    if name in BY_THE_CLOCK:
        return aged_cases(name, trouble)[:2]
    return [
        case_of(name, trouble, trouble.over, trouble.fine, (True, False)),
        case_of(name, trouble, trouble.under, trouble.under, (False, False)),
    ]


def aged_cases(name: str, trouble: Trouble) -> list[dict[str, Any]]:
    """The clock of promtool begins in 1970: what is old has come long before it."""
    return [
        case_of(name, trouble, -trouble.over * DAY_S, -trouble.fine * DAY_S, (True, False)),
        case_of(name, trouble, -trouble.under * DAY_S, -trouble.under * DAY_S, (False, False)),
        {**case_of(name, trouble, 0.0, 0.0, (False, False)), "input_series": []},
    ]


def judged(folder: Path, rules: str, name: str, cases: list[dict[str, Any]]) -> subprocess.CompletedProcess:
    """What promtool says of cases of one alert; days are looked at every half hour."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(only_needed(yaml.safe_load(rules), name)))
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": f"{TROUBLES[name].step_m}m",
        "tests": cases,
    }
    (folder / "tests.yaml").write_text(yaml.safe_dump(tests))
    return subprocess.run(
        ["promtool", "test", "rules", "tests.yaml"], cwd=folder, capture_output=True, text=True, check=False
    )


def only_needed(told: dict[str, Any], name: str) -> dict[str, Any]:
    """The rules of one alert and of the ratios that it goes by: promtool works out all that it is given."""
    every = [rule for group in told["groups"] for rule in group["rules"]]
    (alert,) = (rule for rule in every if rule.get("alert") == name)
    ratios = [rule for rule in every if rule.get("record", " ") in alert["expr"]]
    # One group, so that the ratios are worked out first: groups have no order, and here half an hour may lie between looks.
    return {"groups": [{"name": "needed", "rules": [*ratios, alert]}]}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_every_alert_is_tested_and_says_whom_it_wakes_and_what_to_do():
    """
    No alert without cases, a severity that is known, a summary, and what to do.
    """
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}

    assert set(alerts) == set(TROUBLES)
    assert {rule["labels"]["severity"] for rule in alerts.values()} == SEVERITIES
    assert all(
        len(rule["annotations"]["summary"]) > 20 and len(rule["annotations"]["do"]) > 20 for rule in alerts.values()
    )


@needs_promtool
@pytest.mark.parametrize("name", TROUBLES)
def test_an_alert_fires_when_it_should_and_only_then(name, tmp_path):
    """
    Healthy, just under, just over, recovered, no traffic.
    """
    told = judged(tmp_path, RULES.read_text(), name, cases_of(name))

    assert told.returncode == 0, told.stdout + told.stderr


@needs_promtool
@pytest.mark.parametrize("factor", [0.8, 1.25])
@pytest.mark.parametrize("name", [name for name in TROUBLES if name not in SWITCHES])
def test_a_threshold_that_is_changed_is_noticed(name, factor, tmp_path):
    """
    Each threshold a fifth lower or a quarter higher: a case of that alert fails.
    """
    text = RULES.read_text()
    (expression,) = (rule["expr"] for rule in rules() if rule.get("alert") == name)
    least = f"{TROUBLES[name].least:g}" if name != "AnswersAreSlow" else "0.2"
    changed = re.sub(
        rf"([<>] ){re.escape(least)}(?![\d.])", lambda found: f"{found[1]}{float(least) * factor:g}", expression
    )
    assert changed != expression

    told = judged(tmp_path, text.replace(expression, changed), name, near(name))

    assert told.returncode != 0


@needs_promtool
def test_prometheus_finds_no_fault_with_the_rules():
    """
    promtool's own check, every lint of it.
    """
    told = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stdout + told.stderr


@needs_amtool
def test_alertmanager_takes_its_configuration():
    """
    amtool's own check; every severity finds a receiver.
    """
    file = RULES.with_name("alertmanager.yaml")
    checked = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    receivers = {receiver["name"] for receiver in yaml.safe_load(file.read_text())["receivers"]}
    for severity in SEVERITIES:
        routed = subprocess.run(
            ["amtool", "config", "routes", "test", f"--config.file={file}", f"severity={severity}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert routed.stdout.strip() in receivers, routed.stdout + routed.stderr
