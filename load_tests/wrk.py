"""Closed-loop capacity with wrk: one thread, as many requests as the connections carry.

The Lua script formats every request before the first is sent, so that a
request costs the generator a table look-up.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
local threads = {{}}
setup = function(thread) threads[#threads + 1] = thread end
wrong = 0
local function lines(name)
  local list = {{}}
  for line in io.lines(name) do list[#list + 1] = line end
  return list
end
local requests, place = {{}}, {first}
init = function()
  local paths, bodies = lines("{paths}"), lines("{bodies}")
  local headers = {{["Content-Type"] = "application/json"{key}}}
  for i = 1, math.max(#paths, #bodies) do
    requests[i] = wrk.format("POST", paths[(i - 1) % #paths + 1], headers, bodies[(i - 1) % #bodies + 1])
  end
end
request = function()
  place = place % #requests + 1
  return requests[place]
end
{count_wrong}
done = function(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + (thread:get("wrong") or 0) end
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), summary.errors.status, summary.errors.connect,
    summary.errors.read, summary.errors.write, summary.errors.timeout, wrong))
end
"""
# Calling Lua for each answer slows wrk down, which does not matter for answers of a hundred predictions.
COUNT_WRONG = """
response = function(status, headers, body)
  if status == 200 and not string.find(body, '{expected}', 1, true) then wrong = wrong + 1 end
end
"""
# Connections that wait between an answer and the next request ask at a rate that hardly depends on how long answers take.
PAUSE = """
delay = function() return math.random({least}, {most}) end
"""
RESULT = re.compile(r"^RESULT " + " ".join([r"(\d+)"] * 11) + "$", re.MULTILINE)


class WrkFailed(Exception):
    """Show what wrk said."""


@dataclass(frozen=True)
class Capacity:
    """Hold one run of wrk.

    Attributes:
        errors: Answers with a status of 400 and above; wrk counts no other kind as wrong.
        broken: Connections that could not be made, read or written, and requests that timed out.
        wrong: Answers of status 200 without the expected text, where one was given.
        generator_cpu: Share of one core that wrk took; near 1 it is the generator that was measured.
    """

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    errors: int
    broken: int
    wrong: int
    generator_cpu: float

    @property
    def rate(self) -> float:
        """Return answered requests per second."""
        return self.requests / self.seconds


def run_wrk(
    port: int,
    paths: Sequence[str],
    bodies: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    first: int = 0,
    expected: str | None = None,
    pause_s: float = 0.0,
    key: str = "",
) -> Capacity:
    """Ask again and again for the paths and bodies, in order and paired, beginning after the first few.

    With ``expected``, every answer of status 200 without that text counts as wrong. With ``pause_s``, a connection waits so
    long on average before it asks again. ``key`` is that of a caller, where the service asks for one.

    Raises:
        WrkFailed: If wrk cannot run or tells no result.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "paths").write_text("\n".join(paths) + "\n")
        (folder / "bodies").write_bytes(b"\n".join(bodies) + b"\n")
        script = folder / "script.lua"
        count_wrong = COUNT_WRONG.format(expected=expected) if expected else ""
        header = f', ["Authorization"] = "Bearer {key}"' if key else ""
        given = {"paths": folder / "paths", "bodies": folder / "bodies", "first": first, "key": header}
        text = SCRIPT.format(count_wrong=count_wrong, **given)
        pause = PAUSE.format(least=round(500 * pause_s), most=round(1_500 * pause_s)) if pause_s else ""
        script.write_text(text + pause)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}"]
        output, cpu_s = _run(command)
    found = RESULT.search(output)
    if found is None:
        raise WrkFailed(f"wrk told no result:\n{output}")
    requests, duration_us, p50, p95, p99, errors, *broken, wrong = map(int, found.groups())
    return Capacity(
        requests=requests,
        seconds=duration_us / 1e6,
        p50_ms=p50 / 1e3,
        p95_ms=p95 / 1e3,
        p99_ms=p99 / 1e3,
        errors=errors,
        broken=sum(broken),
        wrong=wrong,
        generator_cpu=cpu_s / (duration_us / 1e6),
    )


def _run(command: list[str]) -> tuple[str, float]:
    """Return what a program wrote and the CPU seconds it took."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise WrkFailed(f"`{' '.join(command)}` ended with {process.returncode}:\n{text}")
    return text, used.ru_utime + used.ru_stime
