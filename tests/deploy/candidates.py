"""Bentos that should not serve: copies of a good one with something broken in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml

from deploy import kept
from deploy.gate.bounds import Bounds
from deploy.plan import Plan

# Read at every answer, so that one server can be good and bad in turn.
FAULTY_ANSWERS = """
def _with_fault(forecasts):
    import math, os, time
    from pathlib import Path
    from msgspec.structs import replace
    fault = Path(os.environ["FAULT_FILE"]).read_text()
    if fault == "crash":
        raise RuntimeError("the first prediction fails")
    if fault == "death":
        os._exit(3)
    if fault in ("slow", "hang"):
        time.sleep({"slow": 0.15, "hang": 4.0}[fault])
    change = {
        "not a number": lambda p: (math.nan, *p[1:]),
        "not one": lambda p: (p[0] + 0.01, *p[1:]),
    }.get(fault)
    return [replace(one, proba=change(list(one.proba))) for one in forecasts] if change else forecasts


def bodies_of(forecasts, queries, predicted_at):
    return _bodies_of(_with_fault(forecasts), queries, predicted_at)
"""
FAULTY_MODEL = """
        import os
        from pathlib import Path
        fault = Path(os.environ["FAULT_FILE"]).read_text()
        if fault == "missing features":
            values = np.zeros_like(values)
        answers = self.model.model.forecast(self._frame(values))
        if fault == "swapped":
            mirrored = answers.grid.transpose(0, 2, 1).copy()
            answers = answers._replace(proba=answers.proba[:, ::-1].copy(), grid=mirrored)
"""


def plan_with(database_url: str, **environment: str) -> Plan:
    return Plan(
        host="127.0.0.1",
        port=0,
        slot_ports=(0, 0),
        steps=(),
        step_s=1.0,
        fewest_answers=1,
        most_slowdown=2.0,
        least_slow_s=0.1,
        ready_within_s=60.0,
        drain_within_s=1.0,
        has_standby=False,
        kept=2,
        at_once=64,
        environment={"BENTOML_DO_NOT_TRACK": "True", "FOOTBALL_DATABASE_URL": database_url, **environment},
    )


def bounds_with(**changes) -> Bounds:
    """Few questions, and patience with a busy machine."""
    bounds = Bounds(
        within_s=150.0,
        ready_within_s=90.0,
        past_within_s=20.0,
        answer_within_s=3.0,
        questions=12,
        fewest_recorded=12,
        most_slowdown=2.0,
        least_slow_median_ms=60.0,
        least_slow_p99_ms=2_000.0,
        most_p99_alone_ms=2_500.0,
        most_memory_mb=1_000.0,
        most_change=0.35,
        most_change_p99=0.1,
        scored=100,
        fewest_scored=50,
        worse_rps=0.003,
        worse_log_loss=0.015,
    )
    return replace(bounds, **changes)


def renamed(folder: Path, tag: str, aside: Path, version: str) -> tuple[Path, str]:
    """Copy a kept bento under another version; return the copy and its tag."""
    shutil.copytree(folder, aside)
    bento = kept.bento_in(aside, tag)
    name = tag.partition(":")[0]
    bento.rename(bento.with_name(version))
    file = bento.with_name(version) / "bento.yaml"
    told = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(told | {"version": version}))
    return aside, f"{name}:{version}"


def change_source(folder: Path, tag: str, file: str, change: Callable[[str], str]) -> None:
    """Change a file of a bento's source; that it changes is seen to."""
    path = kept.bento_in(folder, tag) / "src" / file
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def make_faulty(folder: Path, tag: str) -> None:
    """Have a bento answer as the file says that FAULT_FILE names."""
    change_source(
        folder,
        tag,
        "api/prediction_template.py",
        lambda text: text.replace("def bodies_of(", "def _bodies_of(") + FAULTY_ANSWERS,
    )
    told = "\n        answers = self.model.model.forecast(self._frame(values))\n"
    change_source(folder, tag, "runners/runner.py", lambda text: text.replace(told, FAULTY_MODEL))


def model_folder(folder: Path) -> Path:
    """Return where the only model of a copy is."""
    (model,) = (path for path in (folder / "models" / "football").iterdir() if path.is_dir())
    return model


def alive_in(root: Path) -> list[int]:
    """Return the processes whose BENTOML_HOME lies in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(one.startswith(b"BENTOML_HOME=" + os.fsencode(root)) for one in variables):
            found.append(int(process.name))
    return found
