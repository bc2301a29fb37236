"""The commands around serving: build, serve, models, predict."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner
from ports import free_port
from serving import START_S, Served, environment, football, wait_until_ready

from cli.main import main

pytestmark = pytest.mark.service


@pytest.fixture
def run(home, monkeypatch, tmp_path):
    """Run the command line in this process over the small world."""
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", home.database_url)
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path))

    def invoke(*arguments: str, code: int = 0):
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result

    return invoke


def test_saved_models_are_listed(run, home):
    """
    Each saved model is shown with its cut-off, its score and its size, as a table or as JSON.
    """
    listed = json.loads(run("models", "--json").stdout)
    mine = next(model for model in listed if model["tag"] == home.tag)

    assert (mine["rps"], mine["model_type"]) == (0.2, "ensemble")
    assert mine["trained_until"].startswith("2024-0")
    assert mine["size_bytes"] > 10_000
    assert home.tag in run("models").stdout


def test_a_model_that_cannot_be_read_hides_no_other(run, home):
    """
    It is named, with what to do about it, and the others are listed.
    """
    odd = home.folder / "models" / "football" / "odd"
    odd.mkdir()
    (odd / "model.yaml").write_text("name: football\nversion: odd\n")
    try:
        result = run("models", "--json")
    finally:
        shutil.rmtree(odd)

    assert home.tag in {model["tag"] for model in json.loads(result.stdout)}
    assert "bentoml models delete football:odd" in result.stderr


def test_without_a_model_the_commands_say_which_to_run(run, monkeypatch):
    """
    Where no model is saved, listing, building and predicting name `football train`.
    """
    monkeypatch.setenv("FOOTBALL_SERVICE__MODELS", '["nothing"]')
    monkeypatch.setenv("FOOTBALL_TRAINING__MODEL_NAME", "nothing")

    assert "football train" in run("models").output
    assert "football train" in run("build", code=1).output
    assert "football train" in run("predict", "any", code=1).output
    assert "football models" in run("build", "nothing:v1", code=1).output


def test_a_match_is_predicted_without_a_server(run, home):
    """
    A match by id or by teams is predicted as the service does it, in words or as JSON.
    """
    plain = json.loads(
        run("predict", "--home", "Hexley", "--away", "Dunmere", "--competition", "qa.1", "--kickoff", "2025-08-16T15:00",
            "--model", home.tag, "--json").stdout
    )  # fmt: skip
    played = next(match_id for match_id, when in zip(home.matches.match_id, home.matches.played, strict=True) if when)

    assert plain["home_win_prob"] + plain["draw_prob"] + plain["away_win_prob"] == pytest.approx(1.0)
    assert plain["match"]["kickoff"] == "2025-08-16 15:00:00+00:00"
    assert plain["explanation"] is None
    shown = run("predict", played, "--explain", "--model", home.tag).stdout
    assert "What moved the forecast, in points of probability" in shown
    rows = [line for line in shown.splitlines() if line.count("│") == 6]
    assert len(rows) == 1 + 8 + 1 + 1  # the usual match, the most telling features, all others, the forecast
    started, *moved, reached = ([float(cell.strip(" %")) for cell in row.split("│")[3:6]] for row in rows)
    for outcome in range(3):
        assert started[outcome] + sum(part[outcome] for part in moved) == pytest.approx(reached[outcome], abs=0.2)
    told = json.loads(run("predict", played, "--explain", "--model", home.tag, "--json").stdout)
    assert told["explanation"]["contributions"][0]["feature"] == rows[1].split("│")[1].strip()
    assert "degraded" in shown
    undated = run("predict", "--home", "Ibenruh", "--away", "Jasperton", "--competition", "qb.1", "--model", home.tag)
    assert "no date yet" in undated.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nowhere"], 1, "No match has the id 'nowhere'"),
        (["--home", "Hexley", "--away", "Dunmer", "--competition", "qa.1"], 1, "Did you mean 'Dunmere'"),
        (["--home", "Hexley"], 2, "--home, --away and --competition"),
        (["id", "--home", "Hexley"], 2, "not both"),
        (["id", "--model", "football:nowhere"], 1, "is refused"),
    ],
)
def test_what_cannot_be_predicted_is_said(run, arguments, code, told):
    """
    A wrong question exits with a sentence that says what to do.
    """
    assert told in run("predict", *arguments, code=code).output


def test_a_bento_is_built_from_any_folder(home, bento):
    """
    The bento carries the packages that serve, the pinned model and the hashed lock, and nothing else.
    """
    name, version = bento.split(":")
    folder = home.folder / "bentos" / name / version
    source = folder / "src"
    lock = (folder / "env" / "python" / "requirements.txt").read_text()

    assert {part.name for part in source.iterdir()} == {
        "api", "bentofile.yaml", "configs", "features", "models", "monitoring", "runners", "service.py", "store",
        "trust", "worker.py",
    }  # fmt: skip
    assert (source / "store" / "aliases.csv").is_file()
    assert (source / "configs" / "default.yaml").is_file()
    assert not list(source.rglob("__pycache__"))
    assert home.tag in (folder / "bento.yaml").read_text()
    assert "index-url" not in lock
    pins = [line for line in lock.splitlines() if line.startswith("bentoml==")]
    assert len(pins) == 1
    assert pins[0].endswith("\\")


def test_the_newest_bento_is_served_and_the_command_says_where(home, tmp_path):
    """
    `football serve` becomes the server of the newest bento on loopback, and says first how it can be reached; the tag of
    the bento is all that `football build` prints, so that a script can take it. A second one is refused while the first
    runs, as it would empty the first one's metrics; and so is one whose port is taken.
    """
    (newest,) = football(home, "build", home.tag).split()
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "cli.main", "serve", "--port", str(port), "--workers", "1"]
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment(home), cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT)
    running = Served(process, f"http://127.0.0.1:{port}", log)
    try:
        wait_until_ready(running)
        answer = httpx.get(f"{running.url}/v1/predictions/models", timeout=START_S).json()
        second = refused("serve", "--port", str(free_port()), env=environment(home))
        taken = refused("serve", newest, "--port", str(port), env=environment(home))
        still = httpx.get(f"{running.url}/metrics", timeout=START_S).text
    finally:
        running.end()

    assert "Another server runs with BENTOML_HOME" in second
    assert f"Nothing can listen on 127.0.0.1:{port}" in taken
    assert 'route="/v1/predictions/models"' in still
    assert answer["total_models"] == 1
    assert "from this machine only" in log.read_text()
    assert f"Serving {newest} on http://127.0.0.1:{port}" in log.read_text()


def refused(*arguments: str, env: dict[str, str]) -> str:
    """What a command says that fails."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=START_S, check=False)
    assert run.returncode == 1, run.stderr
    return run.stderr


def test_serving_without_a_bento_says_which_command_to_run(home, tmp_path):
    """
    Where nothing is built, `football serve` names `football build`.
    """
    command = [sys.executable, "-m", "cli.main", "serve"]
    own = environment(home) | {"BENTOML_HOME": str(tmp_path)}
    run = subprocess.run(command, env=own, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert "football build" in run.stderr
