"""A bento as an image: what it answers is what the bento answers, and there is nothing in it to help an intruder.

Needs a Docker engine, and a base with Python 3.11: the image that FOOTBALL_BASE_IMAGE names; else Debian's own, made here by
debootstrap.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from ports import free_port
from serving import football, serve

from deploy.build import CHECKOUT
from deploy.image import PYTHON, NoImage, materials_of

BASE = os.environ.get("FOOTBALL_BASE_IMAGE", "")
DEBIAN = "http://deb.debian.org/debian"
PACKAGES = "python3.11,python3.11-venv,python3-distutils,ca-certificates"
MOST_BYTES = 600_000_000
START_S = 120.0
COMPOSE = yaml.safe_load((CHECKOUT / "deploy" / "compose" / "compose.yaml").read_text())["services"]["football-a"]

FACTS = """
import json, os, pathlib, stat
status = dict(line.split(":\\t", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines() if ":\\t" in line)
found = {"setuid": [], "programs": [], "writable": []}
for folder, folders, files in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/dev")):
        folders.clear()
        continue
    for name in files:
        path = os.path.join(folder, name)
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and mode & 0o6000:
            found["setuid"].append(path)
        is_tool = name in ("sh", "bash", "dash", "pip", "pip3", "gcc", "cc", "git", "apt", "apt-get", "dpkg", "perl", "curl", "wget")
        if is_tool and mode & 0o111 and folder.endswith('bin'):
            found["programs"].append(path)
    if os.access(folder, os.W_OK):
        found["writable"].append(folder)
try:
    pathlib.Path("/opt/release/mine").write_text("x")
    found["changed"] = True
except OSError:
    found["changed"] = False
print(json.dumps(found | {"uid": os.getuid(), "gid": os.getgid()} | {name: status[name] for name in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs")}))
"""


def docker(*arguments: str, **options) -> str:
    run = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, **options)
    assert run.returncode == 0, run.stderr[-4_000:]
    return run.stdout


def has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(not has_engine(), reason="needs a Docker engine: apt-get install docker.io, then dockerd"),
    pytest.mark.skipif(
        not BASE and (shutil.which("debootstrap") is None or os.getuid() != 0),
        reason="needs FOOTBALL_BASE_IMAGE, or root and debootstrap to make one",
    ),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Iterator[str]:
    """An image with Python 3.11 to start from."""
    if BASE:
        yield BASE
        return
    root, name = tmp_path_factory.mktemp("base") / "root", f"football-test-base:{os.getpid()}"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root, DEBIAN],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    packed = ["tar", "-C", root, "--exclude=./var/cache/apt", "--exclude=./var/lib/apt/lists", "-c", "."]
    with subprocess.Popen(packed, stdout=subprocess.PIPE) as archive:
        docker("import", "-", name, stdin=archive.stdout)
    shutil.rmtree(root)
    yield name
    docker("rmi", "--force", name)


@dataclass(frozen=True)
class Image:
    """An image of the small world's bento."""

    name: str
    bento: str
    materials: str
    release: Path


@pytest.fixture(scope="module")
def image(home, bento, base, tmp_path_factory) -> Iterator[Image]:
    """Built by the command, with its bill of materials."""
    sbom = tmp_path_factory.mktemp("sbom") / "football.cdx.json"
    name = football(home, "image", bento, "--tag", f"football-test-{os.getpid()}", "--base", base, "--sbom", str(sbom))
    release = home.folder.parent / "football" / "releases" / "kept" / bento.partition(":")[2]
    yield Image(name.strip(), bento, sbom.read_text(), release)
    docker("rmi", "--force", name.strip())


def guarded(store: Path) -> list[str]:
    """The options of `docker run` that stand for what the compose file says of a replica."""
    told = ["--read-only", "--cap-drop", "ALL", "--pids-limit", str(COMPOSE["pids_limit"]), "--memory", "1g"]
    for option in COMPOSE["security_opt"]:
        told += ["--security-opt", option]
    for place in COMPOSE["tmpfs"]:
        told += ["--tmpfs", place]
    return [*told, "--volume", f"{store}:/data", "--env", "FOOTBALL_DATABASE_URL=sqlite:////data/matches.sqlite"]


@pytest.fixture
def store(home, tmp_path) -> Path:
    """A folder with a copy of the small world's store, which the image's user may write to."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(home.database_url.removeprefix("sqlite:///"), folder / "matches.sqlite")
    for path in (folder, folder / "matches.sqlite"):
        os.chown(path, 65532, 65532)
    return folder


def inside(image: Image, *options: str, program: str) -> str:
    return docker("run", "--rm", *options, "--entrypoint", PYTHON, image.name, "-c", program)


def test_nothing_in_it_helps_an_intruder(image, store):
    """
    No root, no capability, nothing that changes who one is, no shell, no installer, no compiler; only data and scratch space
    can be written to; under 600 MB.
    """
    facts = json.loads(inside(image, *guarded(store), program=FACTS))

    assert (facts["uid"], facts["gid"]) == (65532, 65532)
    assert {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert facts["NoNewPrivs"] == "1"
    assert facts["setuid"] == []
    assert facts["programs"] == []
    assert facts["changed"] is False
    assert set(facts["writable"]) == {"/data", "/run/football", "/tmp"}
    assert int(docker("image", "inspect", "--format", "{{.Size}}", image.name)) < MOST_BYTES


def test_without_a_way_out_it_answers_as_the_bento_does(image, home, bento, python, store, tmp_path):
    """
    In a network of its own with no way out it becomes ready and answers; every number is that of `bentoml serve`, bit for bit.
    """
    name = f"football-test-{os.getpid()}-{free_port()}"
    docker("run", "--detach", "--name", name, "--network", "none", *guarded(store), image.name)
    (tmp_path / "served").mkdir()
    running = serve(home, bento, python, tmp_path / "served")
    try:
        wait_until_ready(name)
        with running.client() as client:
            found = client.get("/v1/fixtures", params={"limit": 100, "status": "played"}).json()["matches"]
            paths = [f"/v1/predictions/default/{one['match_id']}" for one in found[:20]]
            here = [predicted(client.post(path).json()) for path in paths]
        asked = (
            "import json, sys, urllib.request as u\n"
            "ask = lambda path: json.load(u.urlopen(u.Request('http://127.0.0.1:3000' + path, method='POST')))\n"
            f"print(json.dumps([ask(path) for path in {paths}]))"
        )
        there = [predicted(one) for one in json.loads(docker("exec", name, PYTHON, "-c", asked))]
        assert len(paths) == 20
        assert there == here
        reached = "import socket; socket.create_connection(('198.51.100.1', 80), 2)"
        run = subprocess.run(
            ["docker", "exec", name, PYTHON, "-c", reached], capture_output=True, text=True, check=False
        )
        assert "Network is unreachable" in run.stderr
    finally:
        running.end()
        log = docker("logs", name)
        docker("rm", "--force", name)
    assert "Traceback" not in log


def predicted(answer: dict) -> dict:
    """What an answer says of the match; not when, where and how fast."""
    return {
        name: value
        for name, value in answer.items()
        if name not in ("request_id", "predicted_at", "prediction_time_ms", "metadata")
    }


def wait_until_ready(name: str) -> None:
    """Wait for the image's own health check."""
    end = time.monotonic() + START_S
    while True:
        state = json.loads(docker("inspect", name))[0]["State"]
        if state.get("Health", {}).get("Status") == "healthy":
            return
        assert state["Running"], docker("logs", name)
        assert time.monotonic() < end, docker("logs", name)
        time.sleep(0.5)


def test_its_bill_of_materials_is_what_is_in_it(image):
    """
    Valid CycloneDX; each Python package of the image, no other, with the hashes of the lock; Debian's packages beside them.
    """
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(image.materials) is None
    told = json.loads(image.materials)
    found = inside(
        image, program="import importlib.metadata as m; print([(d.name, d.version) for d in m.distributions()])"
    )
    listed = [one for one in told["components"] if one["purl"].startswith("pkg:pypi/")]

    assert sorted((one["name"], one["version"]) for one in listed) == sorted(
        (name.lower().replace("_", "-").replace(".", "-"), version) for name, version in eval(found)
    )
    assert all(one["hashes"] for one in listed)
    assert {"msgspec", "numpy", "bentoml"} <= {one["name"] for one in listed}
    assert any(one["purl"].startswith("pkg:deb/debian/libc6@") for one in told["components"])


def test_a_package_that_no_lock_names_is_noticed(image):
    """
    A lock without msgspec does not account for the image, and nothing is written.
    """
    (lock,) = image.release.glob("bentos/*/*/env/python/requirements.txt")
    whole = lock.read_text()
    lock.write_text("\n".join(line for line in whole.splitlines() if not line.startswith("msgspec==")))
    try:
        with pytest.raises(NoImage, match="msgspec"):
            materials_of(image.name, image.release, image.bento)
    finally:
        lock.write_text(whole)
