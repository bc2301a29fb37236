"""What all scenarios share: arrivals on a clock of their own, the matches, and the count of cache hits.

Arrivals are an open loop: a schedule says when the next request is due, a
greenlet sends it, and a slow answer delays none that follow. One locust user
is the clock; the requests use a pool of clients.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, events, task

IDS = [line for line in Path(os.environ["LOAD_IDS"]).read_text().split() if line]
COMING = [line for line in Path(os.environ["LOAD_COMING"]).read_text().split() if line]
SECONDS = float(os.environ["LOAD_SECONDS"])
RATE = float(os.environ["LOAD_RATE"])
PROCESSES = int(os.environ.get("LOAD_PROCESSES", "1"))
COUNTS = Path(os.environ["LOAD_COUNTS"])
SEED = 20261124
MOST_IN_FLIGHT = 512
CACHED, COMPUTED = b'"cached":true', b'"cached":false'

counts = {"cached": 0, "computed": 0, "late_s": 0.0, "dropped": 0}
draw = random.Random(SEED + os.getpid())


class Visitor(FastHttpUser):
    """Send requests when they are due; a scenario gives the rate at a time and the next request.

    With several locust processes each runs one visitor and takes its share of the rate.
    """

    abstract = True
    fixed_count = 1
    concurrency = MOST_IN_FLIGHT
    network_timeout = 15.0
    connection_timeout = 15.0

    def rate_at(self, _elapsed_s: float) -> float:
        """Return the requests per second that are due now, over all processes."""
        return RATE

    def send(self) -> None:
        """Send one request."""
        raise NotImplementedError

    @task
    def keep_time(self) -> None:
        """Send one request after another as they come due, until the test ends."""
        pool = Pool(MOST_IN_FLIGHT)
        begun = due = time.perf_counter()
        while (now := time.perf_counter()) - begun < SECONDS:
            if due > now:
                gevent.sleep(due - now)
                continue
            counts["late_s"] = max(counts["late_s"], now - due)
            if pool.free_count() > 0:
                pool.spawn(self.send)
            else:
                counts["dropped"] += 1
            due += draw.expovariate(self.rate_at(due - begun) / PROCESSES)
        pool.join(timeout=20)
        self.environment.runner.quit() if PROCESSES == 1 else gevent.sleep(3_600)

    def predict(self, match_id: str, name: str, body: str = "{}") -> None:
        """Ask for one match and count whether the cache had the answer."""
        path = f"/v1/predictions/football/{match_id}"
        with self.client.post(
            path, data=body, headers={"Content-Type": "application/json"}, name=name, catch_response=True
        ) as answer:
            note(answer, lambda content: b'"home_win_prob":' in content)


def note(answer: Any, is_right: Callable[[bytes], bool]) -> None:
    """Count an answer; one with a status other than 200, or the wrong body, is a failure."""
    content = answer.content or b""
    if answer.status_code != 200:
        answer.failure(f"status {answer.status_code}: {content[:120]!r}")
    elif not is_right(content):
        answer.failure(f"wrong body: {content[:120]!r}")
    else:
        counts["cached"] += content.count(CACHED)
        counts["computed"] += content.count(COMPUTED)


@events.quitting.add_listener
def write_counts(environment: Any, **_others: Any) -> None:  # noqa: ARG001 - locust passes it by name
    """Leave this process's counts for run.py."""
    (COUNTS / f"{os.getpid()}.json").write_text(json.dumps(counts | {"cpu_s": time.process_time()}))
