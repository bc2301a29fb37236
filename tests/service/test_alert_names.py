"""Every metric and label that an alert or a dashboard names is one that the live service gives."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.build import CHECKOUT

pytestmark = pytest.mark.service

RULES = CHECKOUT / "deploy" / "compose" / "rules.yaml"
DASHBOARDS = RULES.with_name("dashboards")
WITHIN_S = 20.0  # the comparison with results is made every two seconds here


def shown_by(served) -> dict[str, dict[str, set[str]]]:
    """Metric to label to values."""
    shown: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{served.url}/metrics", timeout=10.0).text):
        for sample in family.samples:
            labels = shown.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return shown


def expressions() -> str:
    """All that alerts and dashboards ask Prometheus, with the marks of the dashboards' lines."""
    told = yaml.safe_load(RULES.read_text())
    asked = [rule["expr"] for group in told["groups"] for rule in group["rules"]]
    for file in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(file.read_text())
        asked += [mark["expr"] for mark in board["annotations"]["list"]]
        asked += [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return " ; ".join(asked)


def test_alerts_and_dashboards_go_by_what_the_service_shows(served):
    """
    After one request of each kind: names, label names, and the label values that are compared with for equality. What
    sums or shows by a label asks for one that some metric has; ``instance`` is Prometheus' own.
    """
    httpx.get(f"{served.url}/v1/competitions", timeout=10.0)
    httpx.get(f"{served.url}/v1/matches/none", timeout=10.0)
    (match,) = httpx.get(f"{served.url}/v1/fixtures", params={"limit": 1}, timeout=10.0).json()["matches"]
    httpx.post(f"{served.url}/v1/predictions/default/{match['match_id']}", timeout=60.0).raise_for_status()
    end = time.monotonic() + WITHIN_S
    while "football_calibration_alarm" not in (shown := shown_by(served)) and time.monotonic() < end:
        time.sleep(0.2)
    asked = re.findall(r"\b(football_\w+)(?:\{([^}]*)\})?", expressions())

    assert len({name for name, _ in asked}) >= 25
    for name, matchers in asked:
        assert name in shown, f"no metric {name}"
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=|!~)"([^"]*)"', matchers):
            assert label in shown[name], f"{name} has no label {label}"
            if operator == "=":
                assert value in shown[name][label], f"{name} has never {label}={value}"
            if label == "code":
                assert set(value.split("|")) <= shown[name][label]
    labels = {label for given in shown.values() for label in given} | {"instance"}
    summed = re.findall(r"\bby \(([^)]*)\)", expressions())
    assert {label.strip() for group in summed for label in group.split(",")} <= labels
