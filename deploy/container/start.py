"""Start the server of a container, or say whether it is ready. Knows the standard library only.

The release lies in a read-only folder. BentoML wants a home that it can write to: one is made in the scratch space, with the
release's stores in it.

One worker a container: BentoML replaces no dead worker in a container, and ends when its last one is gone, so whoever runs
the container sees it end and starts it again.
"""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

RELEASE = Path("/opt/release")
SCRATCH = Path("/run/football")
GRACEFUL_S = 25


def is_ready() -> bool:
    """Return whether the server in this container answers that it is ready."""
    address = f"http://127.0.0.1:{os.environ.get('PORT', '3000')}/readyz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=1.5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def start() -> None:
    """Become the server."""
    home = SCRATCH / "bentoml"
    home.mkdir(parents=True, exist_ok=True)
    for store in ("bentos", "models"):
        link = home / store
        if not link.is_symlink():
            link.symlink_to(RELEASE / store)
    (bento,) = (RELEASE / "bentos" / "football").iterdir()
    os.environ["BENTOML_HOME"] = str(home)
    os.environ["FOOTBALL_SERVICE__WORKERS"] = "1"
    os.environ.setdefault("FOOTBALL_BEHIND_PROXY", "true")
    command = [sys.executable, "-m", "bentoml", "serve", f"football:{bento.name}", "--host", "0.0.0.0"]  # noqa: S104 - of the container
    command += ["--port", os.environ.get("PORT", "3000"), "--timeout-graceful-shutdown", str(GRACEFUL_S)]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell


if __name__ == "__main__":
    if sys.argv[1:] == ["--is-ready"]:
        sys.exit(0 if is_ready() else 1)
    start()
