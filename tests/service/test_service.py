"""The built bento, served for real from elsewhere: what it answers, and what it withstands."""

from __future__ import annotations

import datetime as dt
import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from serving import football, serve, wait_until_alive
from small_world import HELD_OUT, PROMISED, save_tampered, train

from features.transform import MatchFeatures

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def client(served):
    with served.client() as opened:
        yield opened


def predict(client, **asked) -> dict:
    answer = client.post("/v1/predictions/predict", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def matches(client, **query) -> list[dict]:
    found, offset = [], 0
    while offset is not None:
        page = client.get("/v1/fixtures", params={**query, "limit": 1000, "offset": offset}).json()
        found += page["matches"]
        offset = page["next_offset"]
    return found


def test_a_known_match_is_predicted(client, home):
    """
    A fixture by its id gets probabilities that sum to one, by the model that the bento was built with.
    """
    fixture = matches(client, **{"from": PROMISED.isoformat()})[0]
    answer = predict(client, match_id=fixture["match_id"], prediction_type="probability")

    total = answer["home_win_prob"] + answer["draw_prob"] + answer["away_win_prob"]
    assert total == pytest.approx(1.0, abs=1e-6)
    assert f"football:{answer['model_version']}" == home.tag
    assert answer["metadata"]["match"] == fixture
    assert len(answer["over_under"]) == 6


def test_a_described_match_is_predicted(client):
    """
    A match that nobody scheduled is predicted by its teams.
    """
    answer = predict(client, home_team="Hexley", away_team="Dunmere", competition="qa.1", kickoff=PROMISED.isoformat())

    assert answer["match_id"] is None
    assert answer["metadata"]["match"]["season"] == "2025-26"


def test_a_played_match_is_predicted_as_of_its_kickoff(client):
    """
    A match of last season is predicted from the results of the days before it.
    """
    match = matches(client, competition="qa.1", to="2025-03-01T00:00:00Z")[-1]
    answer = predict(client, match_id=match["match_id"])

    assert answer["metadata"]["as_of"] == match["kickoff"]
    assert answer["metadata"]["newest_result_at"][:10] < match["kickoff"][:10]


def test_served_features_are_those_of_training(client, home):
    """
    For every match of the held-out season, the features behind the served forecast are training's, bit for bit, and
    what they add to the usual match is the forecast.
    """
    played = home.matches.take(home.matches.played)
    frame = MatchFeatures().update(played)
    rows = np.flatnonzero(played.season == HELD_OUT)
    served = {}
    for start in range(0, len(rows), 100):
        asked = [{"match_id": played.match_id[row], "explain": True} for row in rows[start : start + 100]]
        body = client.post("/v1/predictions/predict/batch", json={"requests": asked}).json()
        assert body["failed_predictions"] == 0
        served |= {entry["match_id"]: entry for entry in body["predictions"]}

    assert len(served) == len(rows) == 168
    for row in rows:
        answer = served[played.match_id[row]]
        why = answer["explanation"]
        shown = {part["feature"]: part["value"] for part in why["contributions"]}
        expected = dict(zip(frame.names, frame.values[row].tolist(), strict=True))
        assert {name: np.nan if value is None else value for name, value in shown.items()} == pytest.approx(
            expected, rel=0, abs=0, nan_ok=True
        )
        for outcome in ("home_win", "draw", "away_win"):
            log_odds, probability = (
                sum(part[kind][outcome] for part in (why["base"], *why["contributions"]))
                for kind in ("log_odds", "probability")
            )
            assert log_odds == pytest.approx(why["margin"][outcome], rel=0, abs=1e-5)
            assert probability == pytest.approx(answer[f"{outcome}_prob"], rel=0, abs=1e-5)


def test_posted_results_reach_every_worker_within_five_seconds(served):
    """
    A posted result is in the answers of both workers within five seconds, without a restart.
    """
    with served.client() as client:
        before = predict(client, home_team="Ibenruh", away_team="Jasperton", competition="qb.1")
        row = {"match_id": before["match_id"], "status": "played", "home_goals": 4, "away_goals": 0}
        kickoff = dt.datetime(2025, 8, 20, 18, tzinfo=dt.UTC).isoformat()
        receipt = client.post("/v1/results", json={"results": [row | {"kickoff": kickoff}]}).json()
    assert receipt["updated"] == 1

    time.sleep(5.0)
    versions, newest = set(), set()
    for _ in range(24):  # each on a connection of its own, so that both workers come to answer
        with served.client() as client:
            metadata = predict(client, home_team="Kirkvold", away_team="Lumenau", competition="qb.1")["metadata"]
        versions.add(metadata["feature_state_version"])
        newest.add(metadata["newest_result_at"])

    assert versions.isdisjoint({before["metadata"]["feature_state_version"]})
    assert len(versions) == 1
    assert newest == {"2025-08-20T18:00:00Z"}


def test_probes_documents_and_metrics_answer(client):
    """
    Health, documentation and metrics are there, and metrics carry templates rather than paths.
    """
    client.get("/v1/matches/nowhere")

    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
    assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert "text/html" in client.get("/docs").headers["content-type"]
    time.sleep(1.0)  # a worker hands on what it has seen twice a second
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'football_requests_total{method="GET",route="/v1/matches/{match_id}",status="404"}' in metrics.text
    assert "football_request_duration_seconds_bucket" in metrics.text
    assert 'football_model_info{model_type="ensemble",name="football"' in metrics.text
    assert "nowhere" not in metrics.text
    newest = next(
        line for line in metrics.text.splitlines() if line.startswith("football_newest_result_timestamp_seconds ")
    )
    assert float(newest.split()[1]) > 1.7e9


def test_the_log_is_json_with_request_ids(served):
    """
    A request that failed is one line of JSON with the id that the answer carries; one that did not fail is none.
    """
    with served.client() as client:
        client.get("/v1/competitions", headers={"x-request-id": "answered-well"})
        asked = client.post("/v1/predictions/football/nope", headers={"x-request-id": "told-by-the-caller"})
    time.sleep(0.2)

    assert asked.headers["x-request-id"] == "told-by-the-caller"
    line = next(line for line in served.lines() if line.get("request_id") == "told-by-the-caller")
    assert (line["route"], line["status"], line["level"]) == ("/v1/predictions/{model_name}/{match_id}", 404, "info")
    assert not any(line.get("request_id") == "answered-well" for line in served.lines())


def test_it_listens_on_this_machine_only(served):
    """
    Without any option or key, the server cannot be reached by another address of this machine.
    """
    port = int(served.url.rpartition(":")[2])
    outside = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    bound = [
        line.split()[1] for line in listening if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]

    assert bound == [f"0100007F:{port:04X}"]
    for address in {address for address in outside if not address.startswith("127.")}:
        with pytest.raises(ConnectionRefusedError), socket.create_connection((address, port), timeout=1.0):
            pass


def test_a_newer_model_does_not_move_into_an_older_bento(home, bento, python, tmp_path):
    """
    After another model is trained, the bento serves the one it was built with; a lost store harms it not; SIGTERM ends it.
    """
    newer = train(home.matches, seed=2)
    running = serve(home, bento, python, tmp_path)
    with running.client() as client:
        version = client.get("/v1/predictions/models/default").json()["model_version"]
        for part in tmp_path.glob("matches.sqlite*"):
            part.unlink()
        time.sleep(2.5)
        answer = predict(client, home_team="Hexley", away_team="Dunmere", competition="qa.1")

    status = drained(running)

    assert newer != home.tag
    assert f"football:{version}" == home.tag
    assert answer["home_win_prob"] > 0
    assert not (tmp_path / "matches.sqlite").exists()
    assert any("cannot be read" in line["message"] for line in running.lines())
    assert status == 200
    assert running.process.returncode == 0


def test_an_older_version_is_asked_for_while_other_requests_go_on(home, python, tmp_path):
    """
    A bento of a newer model answers for the older one too, which it loads while the newer one goes on answering.
    """
    newer = train(home.matches, seed=8)
    bento = football(home, "build", newer).split()[0]
    asked = {"home_team": "Hexley", "away_team": "Dunmere", "competition": "qa.1", "explain": True}
    running = serve(home, bento, python, tmp_path)
    try:
        with running.client() as client, running.client() as other, ThreadPoolExecutor(1) as thread:
            loading = thread.submit(predict, other, **asked, model_version=home.tag.partition(":")[2])
            meanwhile = [predict(client, **asked)]
            while not loading.done():
                meanwhile.append(predict(client, **asked, force_recalculate=True))
            older = loading.result()
            again = predict(client, **asked, model_version=home.tag.partition(":")[2])
            unknown = client.post(
                "/v1/predictions/predict", json={"match_id": "any", "model_version": newer.partition(":")[2][:10]}
            )
            listed = client.get("/v1/predictions/models").json()
            time.sleep(1.0)
            metrics = client.get("/metrics").text
    finally:
        running.end()

    assert f"football:{older['model_version']}" == home.tag
    assert {f"football:{answer['model_version']}" for answer in meanwhile} == {newer}
    assert older["home_win_prob"] == again["home_win_prob"] != meanwhile[0]["home_win_prob"]
    assert again["cached"]
    assert older["explanation"] != meanwhile[0]["explanation"]
    assert (unknown.status_code, unknown.json()["error"]) == (404, "MODEL_VERSION_NOT_FOUND")
    assert [f"football:{model['model_version']}" for model in listed["models"]] == [newer]
    assert 'football_model_loads_total{result="loaded"} 1.0' in metrics
    assert metrics.count("football_model_info{") == 2
    assert not any(line["level"] == "error" for line in running.lines())


def drained(running) -> int:
    """Send SIGTERM when half of a request has come, send the rest, and return the status of the answer."""
    body = json.dumps({"home_team": "Hexley", "away_team": "Dunmere", "competition": "qa.1"}).encode()
    host, port = running.url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/predictions/predict HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30.0) as connection:
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        connection.sendall(body[10:])
        answer = connection.recv(65_536)
    running.end()
    return int(answer.split()[1])


def test_a_tampered_model_is_refused_and_the_service_is_not_ready(home, python, tmp_path):
    """
    A bento around a model with changed arithmetic lives but is not ready, answers 503, and logs the features by name.
    """
    tampered = save_tampered(home.folder, home.tag, "elo", "STEP")
    settings = {"FOOTBALL_SERVICE__MODELS": '["tampered"]'}
    bento = football(home, "build", tampered, **settings).split()[0]
    running = serve(home, bento, python, tmp_path, wait=False, **settings)
    try:
        wait_until_alive(running)
        with running.client() as client:
            ready = client.get("/readyz").status_code
            health = client.get("/v1/predictions/health")
            answer = client.post("/v1/predictions/predict", json={"match_id": "any"})
    finally:
        running.end()

    assert (ready, health.status_code, answer.status_code) == (503, 503, 503)
    assert answer.json()["error"] == "MODEL_UNAVAILABLE"
    assert "elo" not in answer.text
    refusal = next(line for line in running.lines() if line["message"] == "model refused")
    assert refusal["model"] == tampered
    assert any("elo_home" in reason for reason in refusal["reasons"])
