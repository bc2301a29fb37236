"""The machine and the versions that a measurement was made with."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from contenders import MLSERVER_PYTHON
from server import CHECKOUT, PROJECT_PYTHON

OURS = ("bentoml", "xgboost", "uvicorn", "uvloop", "httptools", "msgspec", "numpy")
PEERS = ("bentoml", "fastapi", "pydantic", "uvicorn", "xgboost", "litserve", "locust", "mlcommons-loadgen")


def described() -> dict[str, Any]:
    """Return date, processor, memory, kernel, commit and versions."""
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "commit": _output("git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"),
        "ours": _versions_of(PROJECT_PYTHON, OURS),
        "peers": {name: _version(name) for name in PEERS} | {"wrk": _wrk()},
        "mlserver": _versions_of(MLSERVER_PYTHON, ("mlserver", "mlserver-xgboost", "xgboost", "fastapi")),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _versions_of(python: Path, names: tuple[str, ...]) -> dict[str, str]:
    code = "import sys; from importlib.metadata import version; [print(version(n)) for n in sys.argv[1:]]"
    found = _output(str(python), "-c", code, *names).splitlines()
    return dict(zip(names, found, strict=False))


def _wrk() -> str:
    return next(iter(_output("wrk", "-v").splitlines()), "unknown").split("[")[0].replace("wrk", "").strip()


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
