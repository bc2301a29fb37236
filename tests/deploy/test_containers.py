"""What containers are made and run with: nothing of it may name a path, port, file or metric that is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.build import CHECKOUT
from deploy.image import NoImage, build_image
from deploy.proxy import haproxy

COMPOSE = CHECKOUT / "deploy" / "compose"
START = CHECKOUT / "deploy" / "container" / "start.py"


@pytest.fixture(scope="module")
def services():
    told = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return told["services"]


def test_every_container_is_locked_down_and_reached_from_this_machine_only(services):
    """
    Read-only, without capabilities, never root, published on loopback: there are no API keys yet.
    """
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])), name
        # The image says who it runs as; the others, that come from elsewhere, are told.
        assert name.startswith("football-") or service["user"] == "65532:65532", name
    assert "USER 65532:65532" in (CHECKOUT / "deploy" / "container" / "Dockerfile").read_text()


def test_mounted_files_are_there_and_replicas_are_alike(services):
    """
    Each file that a container is given lies beside the compose file; the two replicas differ in nothing but their name.
    """
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    files = [COMPOSE / name for name in mounted if name.startswith("./")]

    assert len(files) == 4
    assert all(file.is_file() for file in files)
    assert services["football-a"] == services["football-b"]


def test_haproxy_takes_its_configuration_and_asks_the_replicas(services):
    """
    HAProxy itself finds no fault with it; servers are the services of the compose file, at the port of the image.
    """
    file = COMPOSE / "haproxy.cfg"
    told = subprocess.run([haproxy(), "-c", "-f", file], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr
    servers = re.findall(r"^  server (\S+) (\S+):(\d+)$", file.read_text(), flags=re.MULTILINE)
    assert [server[1] for server in servers] == [name for name in services if name.startswith("football-")]
    assert {server[2] for server in servers} == {"3000"}
    assert "EXPOSE 3000" in (CHECKOUT / "deploy" / "container" / "Dockerfile").read_text()


def test_a_container_that_is_not_ready_says_so():
    """
    The health check fails where nothing answers.
    """
    environment = {"PORT": "1", "PATH": "/usr/bin"}

    assert subprocess.run([sys.executable, START, "--is-ready"], env=environment, check=False).returncode == 1


def test_without_docker_it_is_said_what_is_missing(monkeypatch, tmp_path):
    """
    An image needs Docker; a release does not.
    """
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoImage, match="football release"):
        build_image(Path(tmp_path), "football:1", "football")
