"""The dashboards: what is committed is what the code makes, every query can be asked, and panels do not cover each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations

import pytest
import yaml

from deploy.build import CHECKOUT
from deploy.dashboards.__main__ import main, texts

FOLDER = CHECKOUT / "deploy" / "compose" / "dashboards"
RULES = CHECKOUT / "deploy" / "compose" / "rules.yaml"
COLUMNS = 24

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.fixture(params=sorted(texts()))
def told(request) -> dict:
    return json.loads(texts()[request.param])


def queries(told: dict) -> list[str]:
    """Every query of a dashboard, its marks included."""
    asked = [target["expr"] for panel in told["panels"] for target in panel.get("targets", [])]
    return [*asked, *(mark["expr"] for mark in told["annotations"]["list"])]


def test_what_is_committed_is_what_the_code_makes(tmp_path):
    """
    Each file, and no other: `python -m deploy.dashboards deploy/compose/dashboards` writes them anew.
    """
    main(tmp_path)

    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == {
        file.name: file.read_text() for file in tmp_path.iterdir()
    }


def test_panels_lie_within_the_board_and_do_not_cover_each_other(told):
    """
    By the places that Grafana is told; each panel and row has a number of its own.
    """
    places = [panel["gridPos"] for panel in told["panels"]]

    assert len({panel["id"] for panel in told["panels"]}) == len(places)
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below, (one, other)


def test_every_panel_says_what_it_means_and_asks_the_source_that_the_viewer_chooses(told):
    """
    A title, a sentence, at least one query, all of them to the chosen Prometheus.
    """
    shown = [panel for panel in told["panels"] if panel["type"] != "row"]

    assert len(shown) >= 5
    for panel in shown:
        assert len(panel["description"]) > 5
        assert panel["title"]
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${source}"}
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert all(letters)
    (variable,) = told["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("source", "datasource", "prometheus")


@needs_promtool
def test_prometheus_can_be_asked_every_query(told, tmp_path):
    """
    promtool reads them as rules; a query that is broken is found.
    """
    asked = [text.replace("$__rate_interval", "5m") for text in queries(told)]

    def judged(expressions: list[str]) -> subprocess.CompletedProcess:
        rules = [{"record": f"query:{number}", "expr": text} for number, text in enumerate(expressions)]
        file = tmp_path / "queries.yaml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
        return subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)

    good, bad = judged(asked), judged([*asked, asked[0] + ")"])

    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode != 0


def test_ratios_that_are_shown_are_recorded(told):
    """
    A name with a colon is one of our rules.
    """
    recorded = {
        rule["record"]
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }

    assert set(re.findall(r"\bfootball:[\w:]+", " ".join(queries(told)))) <= recorded
