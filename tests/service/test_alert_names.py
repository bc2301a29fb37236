"""Every metric and label that an alert names is one that the live service gives."""

from __future__ import annotations

import re
import time

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.build import CHECKOUT

pytestmark = pytest.mark.service

RULES = CHECKOUT / "deploy" / "compose" / "rules.yaml"
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


def test_alerts_go_by_what_the_service_shows(served):
    """
    After one request of each kind: names, label names, and the label values that an alert compares with for equality.
    """
    httpx.get(f"{served.url}/v1/competitions", timeout=10.0)
    httpx.get(f"{served.url}/v1/matches/none", timeout=10.0)
    end = time.monotonic() + WITHIN_S
    while "football_calibration_alarm" not in (shown := shown_by(served)) and time.monotonic() < end:
        time.sleep(0.2)
    told = yaml.safe_load(RULES.read_text())
    expressions = " ; ".join(rule["expr"] for group in told["groups"] for rule in group["rules"])

    asked = re.findall(r"\b(football_\w+)(?:\{([^}]*)\})?", expressions)

    assert len({name for name, _ in asked}) >= 10
    for name, matchers in asked:
        assert name in shown, f"no metric {name}"
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=|!~)"([^"]*)"', matchers):
            assert label in shown[name], f"{name} has no label {label}"
            if operator == "=":
                assert value in shown[name][label], f"{name} has never {label}={value}"
            if label == "code":
                assert set(value.split("|")) <= shown[name][label]
