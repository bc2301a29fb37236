"""Ask whether anything is known against the libraries that serve: ``make audit``.

    python audit.py [--osv-url URL]

Goes by serving.txt, which the bento carries. Advisories come from PyPI; on a machine without the internet, from a copy of the
OSV database (https://osv.dev) that answers at an address of your own. audit.toml names advisories that are
accepted, each until a day and for a reason; from that day on it counts again.
"""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def accepted(file: Path, today: dt.date) -> tuple[list[str], list[str]]:
    """Return the ids of the advisories that are accepted today, and of those that no longer are."""
    told = tomllib.loads(file.read_text(encoding="utf-8")).get("accepted", [])
    for one in told:
        if not one["reason"].strip() or not isinstance(one["until"], dt.date):
            raise SystemExit(f"{file}: {one['id']} needs a reason, and a date until which it is accepted.")
    return [one["id"] for one in told if today < one["until"]], [one["id"] for one in told if today >= one["until"]]


def main() -> int:
    """Run pip-audit; its exit code is 1 if anything is known that is not accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osv-url", help="a copy of the OSV database, such as http://127.0.0.1:8000/v1")
    parser.add_argument("--accepted", type=Path, default=HERE / "audit.toml")
    options = parser.parse_args()
    now, no_longer = accepted(options.accepted, dt.datetime.now(dt.UTC).date())
    if no_longer:
        told = (
            f"No longer accepted: {', '.join(no_longer)}. Mend them, or say in {options.accepted} until when and why.\n"
        )
        sys.stderr.write(told)
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        HERE / "serving.txt",
        "--disable-pip",
        "--require-hashes",
    ]
    command += ["--progress-spinner", "off", "--desc", "on"]
    command += ["--vulnerability-service", "osv", "--osv-url", options.osv_url] if options.osv_url else []
    for one in now:
        command += ["--ignore-vuln", one]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - built above, no shell


if __name__ == "__main__":
    sys.exit(main())
