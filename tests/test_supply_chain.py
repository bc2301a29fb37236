"""What is known against our libraries, and what slips into our code, is noticed: planted advisories, keys and calls."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TODAY = dt.datetime.now(dt.UTC).date()
PINNED = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements" / "serving.txt").read_text(), re.MULTILINE))
PLANTED = {
    "id": "OSV-0000-1",
    "summary": "planted",
    "details": "planted",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "msgspec", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
            "versions": [PINNED["msgspec"]],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    """A copy of the OSV database that knows one thing."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_hit = (asked["package"]["name"], asked["version"]) == ("msgspec", PINNED["msgspec"])
        answer = json.dumps({"vulns": [PLANTED]} if is_hit else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def osv() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Advisories)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def audited(osv: str, folder: Path, accepted: str) -> subprocess.CompletedProcess:
    file = folder / "audit.toml"
    file.write_text(accepted)
    command = [sys.executable, ROOT / "requirements" / "audit.py", "--osv-url", osv, "--accepted", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def acceptance(until: dt.date) -> str:
    return f'[[accepted]]\nid = "OSV-0000-1"\nuntil = {until}\nreason = "planted"\n'


def test_a_known_vulnerability_fails_the_audit_until_it_is_accepted_and_after(osv, tmp_path):
    """
    It is named with its package. Accepted for a day more it passes; from its day on it fails again, and that is said.
    """
    found = audited(osv, tmp_path, "")
    passed = audited(osv, tmp_path, acceptance(TODAY + dt.timedelta(days=2)))
    over = audited(osv, tmp_path, acceptance(TODAY))

    assert (found.returncode, passed.returncode, over.returncode) == (1, 0, 1), found.stderr + passed.stderr
    assert "OSV-0000-1" in found.stdout
    assert "msgspec" in found.stdout
    assert "No longer accepted: OSV-0000-1" in over.stderr


def test_what_is_accepted_for_ever_or_without_a_reason_is_refused(osv, tmp_path):
    """
    Each advisory needs both.
    """
    for text in (
        '[[accepted]]\nid = "X"\nuntil = "later"\nreason = "x"',
        '[[accepted]]\nid = "X"\nuntil = 2030-01-01\nreason = " "',
    ):
        assert "needs a reason, and a date" in audited(osv, tmp_path, text).stderr


def test_a_key_in_the_code_and_an_unsafe_call_fail_the_check(tmp_path):
    """
    The two programs that `make check` runs over the code see a planted one of each.
    """
    key, call = tmp_path / "key.py", tmp_path / "call.py"
    key.write_text('TOKEN = "ghp_' + "a1B2" * 9 + '"\n')
    call.write_text("import subprocess\nsubprocess.Popen('ls ' + input(), shell=True)\n")
    makefile = (ROOT / "Makefile").read_text()

    seen = [
        subprocess.run([Path(sys.executable).with_name(program), *options, file], capture_output=True, check=False)
        for program, options, file in (
            ("detect-secrets-hook", [], key),
            ("bandit", ["--quiet", "--level", "--level", "--configfile", ROOT / "pyproject.toml"], call),
        )
    ]

    assert [one.returncode for one in seen] == [1, 1]
    assert b"GitHub Token" in seen[0].stdout
    assert b"shell=True" in seen[1].stdout
    assert "$(BIN)/detect-secrets-hook" in makefile
    assert "$(BIN)/bandit --quiet --recursive --level --level --configfile pyproject.toml" in makefile
