"""Upgrade and roll back what docker compose runs, under load, and count every answer that is lost or wrong.

    FOOTBALL_CACHE_SECRET=... python load_tests/compose_proof.py BENTO_A BENTO_B [--upgrades 3] [--rate 150]

Runs in the project's environment, with ``deploy/compose`` up on an image of BENTO_A and the match store of this
FOOTBALL_HOME mounted there. The bentos hold different models, and ``football image`` has built an image of each. The
commands are those that compose.yaml tells operators; requests, oracle and judgement are those of ``football prove``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import bentoml

from cli.prove_report import show
from configs.settings import load_settings
from deploy.kept import models_of
from proof.marks import Change, Kind
from proof.run import Operator, Program, Prover, Target

COMPOSE = Path(__file__).resolve().parents[1] / "deploy" / "compose" / "compose.yaml"
REPLICAS = ("football-a", "football-b")
READY_WITHIN_S = 120.0


class Compose:
    """Change the image of the replicas, one after the other."""

    def __init__(self, images: dict[str, str], serving: str) -> None:
        self._images, self._was, self.serving = images, serving, serving

    def release(self, bento: str) -> tuple[bool, str]:
        """Have both replicas run the image of a bento; return whether they do, and what was said."""
        for replica in REPLICAS:
            environment = dict(os.environ) | {"FOOTBALL_IMAGE": self._images[bento]}
            command = [*_program(), "-f", str(COMPOSE), "up", "-d", "--no-deps", replica]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode or not _is_healthy(replica, environment):
                return False, f"{replica} does not run {self._images[bento]}: {done.stderr.strip()[-200:]}"
        self._was, self.serving = self.serving, bento
        return True, ""

    def roll_back(self) -> tuple[bool, str]:
        """Go back to the image before."""
        return self.release(self._was)


def main(arguments: list[str]) -> int:
    """Prove it, print what was found; return 1 if an answer was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bentos", nargs=2)
    parser.add_argument("--name", default="football", help="of the images")
    parser.add_argument("--upgrades", type=int, default=3)
    parser.add_argument("--rollbacks", type=int, default=1)
    parser.add_argument("--rate", type=float, default=150.0)
    options = parser.parse_args(arguments)
    settings = load_settings()
    images = {bento: f"{options.name}:{bento.partition(':')[2]}" for bento in options.bentos}
    compose = Compose(images, options.bentos[0])
    first, second = (Target(bento, models_of(Path(bentoml.get(bento).path))[0]) for bento in options.bentos)
    operator = Operator(compose.release, compose.roll_back, _no_fault, lambda: compose.serving)
    port = int(os.environ.get("FOOTBALL_PORT", "3000"))
    prover = Prover("127.0.0.1", port, settings.database_url, (first, second), operator, print)
    program = Program(options.upgrades, options.rollbacks, [], options.rate, 0.5, 5.0, 500, 0)
    proof = prover.prove(program)
    show(proof)
    return 0 if proof.is_passed else 1


def _program() -> list[str]:
    """Return compose as it is installed: a plugin of docker, or a program of its own."""
    is_plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    return ["docker", "compose"] if is_plugin or not shutil.which("docker-compose") else ["docker-compose"]


def _is_healthy(replica: str, environment: dict[str, str]) -> bool:
    """Wait until a replica says that it is ready, as ``up --wait`` does."""
    asked = [*_program(), "-f", str(COMPOSE), "ps", "-q", replica]
    container = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    shown = ["docker", "inspect", "--format", "{{.State.Health.Status}}", container]
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end:
        if subprocess.run(shown, capture_output=True, text=True, check=False).stdout.strip() == "healthy":
            return True
        time.sleep(0.5)
    return False


def _no_fault(kind: Kind) -> Change:
    raise NotImplementedError(f"compose is given no {kind}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
