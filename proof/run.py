"""A proof from beginning to end: oracle, controls, capacity, then changes and faults under load."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from proof.controls import Controls, controls_of
from proof.driver import Orders
from proof.driving import Driving
from proof.errors import ProofFailed
from proof.marks import Change, Kind
from proof.oracle import Asked, Told, ask
from proof.questions import mix_of
from proof.verdict import Verdict, verdict_of

CAPACITY_S: Final = 5.0


class Target(msgspec.Struct, frozen=True):
    """Hold one of the bentos that take turns.

    Attributes:
        bento: Tag of the bento.
        model: Full tag of the model that it answers with by default.
    """

    bento: str
    model: str

    @property
    def version(self) -> str:
        """Return the version that its answers name."""
        return self.model.partition(":")[2]


class Program(msgspec.Struct, frozen=True):
    """Hold what is to be done while requests come in.

    Attributes:
        upgrades: Releases, each of the bento that does not serve.
        rollbacks: Each goes back to the bento before; one that has none before it is preceded by a release.
        faults: One after the other, after the releases.
        rate: Requests a second; None for a share of the capacity.
        load: That share.
        rest_s: Between two changes, and before the first and after the last.
        matches: How many are asked for.
        seed: Of all that is drawn.
        key: Of a caller, where the service asks for one.
    """

    upgrades: int
    rollbacks: int
    faults: Sequence[Kind]
    rate: float | None
    load: float
    rest_s: float
    matches: int
    seed: int
    key: str = ""


class Proof(msgspec.Struct, frozen=True):
    """Hold what a proof found, and what it was made of.

    Attributes:
        capacity: Requests a second in a closed loop; None where it was not measured.
        rate: Requests a second that were sent, on average.
    """

    seed: int
    targets: tuple[Target, Target]
    matches: int
    capacity: float | None
    rate: float
    controls: Controls
    verdict: Verdict

    @property
    def is_passed(self) -> bool:
        """Return whether nothing was lost or wrong, and the controls were."""
        return self.verdict.is_passed and self.controls.are_caught


class Operator(msgspec.Struct, frozen=True):
    """Hold how the service is changed: as an operator would, by commands of their own.

    Attributes:
        release: Has a bento serve; returns whether it does, and what was said.
        roll_back: The same for the bento before.
        strike: Does a fault.
        serving: Returns the tag of the bento that serves.
    """

    release: Callable[[str], tuple[bool, str]]
    roll_back: Callable[[], tuple[bool, str]]
    strike: Callable[[Kind], Change]
    serving: Callable[[], str | None]


class Prover:
    """Make a proof of a running release.

    Args:
        host, port: Of the proxy.
        database_url: Of the store that it answers from.
        targets: The two bentos; the first one serves.
        say: Told what is done, in a line each.
    """

    def __init__(
        self,
        host: str,
        port: int,
        database_url: str,
        targets: tuple[Target, Target],
        operator: Operator,
        say: Callable[[str], None],
    ) -> None:
        self._host, self._port, self._database_url = host, port, database_url
        self._targets, self._operator, self._say = targets, operator, say

    def prove(self, program: Program) -> Proof:
        """Do a program under load and return what was found. Raises ProofFailed if there is nothing to judge."""
        self._say(f"Computing what {' and '.join(target.model for target in self._targets)} answer.")
        told = ask(Asked(self._database_url, [t.model for t in self._targets], program.matches, program.seed))
        _require_difference(told)
        orders = self._orders(told, program)
        controls = controls_of(orders)
        if not controls.are_caught:
            raise ProofFailed(
                f"The controls were not caught: of {controls.responses} requests 1 was broken off and 1 answer altered,"
                f" and {controls.lost} lost and {controls.wrong} wrong were seen ({controls.troubles})."
            )
        self._say(f"Controls caught: 1 lost and 1 wrong of {controls.responses}, as planted.")
        with tempfile.TemporaryDirectory() as scratch:
            capacity = None if program.rate is not None else self._capacity(orders, Path(scratch))
            rate = program.rate if capacity is None else capacity * program.load
            assert rate is not None
            self._say(f"Asking {rate:.0f} requests/s, seed {program.seed}.")
            with Driving(msgspec.structs.replace(orders, rate=rate), Path(scratch)) as driving:
                changes = list(self._changes(program))
            verdict = verdict_of(driving.records, changes)
        return Proof(program.seed, self._targets, len(told.match_ids), capacity, rate, controls, verdict)

    def _orders(self, told: Told, program: Program) -> Orders:
        host = f"{self._host}:{self._port}"
        mix = mix_of(told.match_ids, program.seed, host=host, key=program.key)
        return Orders(self._host, self._port, mix, told.proba, rate=None, seed=program.seed)

    def _capacity(self, orders: Orders, scratch: Path) -> float:
        """Return the requests a second of a closed loop. Raises ProofFailed if one of them fails."""
        with Driving(msgspec.structs.replace(orders, seconds=CAPACITY_S), scratch) as driving:
            verdict = verdict_of(driving.wait(), [])
        if verdict.lost or verdict.wrong:
            raise ProofFailed(
                f"{verdict.lost} lost and {verdict.wrong} wrong of {verdict.responses} while nothing was changed:"
                f" {dict(verdict.phases[0].troubles)}."
            )
        self._say(f"Capacity: {verdict.rate:.0f} requests/s, closed loop of {orders.connections} connections.")
        return verdict.rate

    def _changes(self, program: Program) -> Iterator[Change]:
        """Make the changes one after the other, and mark each."""
        time.sleep(program.rest_s)
        has_standby = False
        for kind in steps_of(program):
            if kind != "release" and not has_standby:
                continue  # the release before it was refused: there is nothing to fall back on
            change = self._told(self._made(kind))
            if kind in {"release", "rollback"}:
                has_standby = kind == "release" and change.is_done
            yield change
            time.sleep(program.rest_s)

    def _made(self, kind: Kind) -> Change:
        serving = self._operator.serving()
        other = next(target for target in self._targets if target.bento != serving)
        if kind == "release":
            return self._marked(kind, other, lambda: self._operator.release(other.bento))
        if kind == "rollback":
            return self._marked(kind, other, self._operator.roll_back)
        return self._operator.strike(kind)

    def _marked(self, kind: Kind, target: Target, do: Callable[[], tuple[bool, str]]) -> Change:
        began = time.monotonic()
        is_done, said = do()
        return Change(kind, began, time.monotonic(), target.version, is_done, said)

    def _told(self, change: Change) -> Change:
        outcome = "done" if change.is_done else "NOT DONE"
        self._say(f"{change.kind} {change.version or change.said}: {outcome} in {change.took_s:.1f} s")
        return change


def steps_of(program: Program) -> list[Kind]:
    """Return what is done, in order. Faults need a release before them, which leaves a standby; so does each rollback.

    >>> steps_of(Program(0, 2, ["kill-worker"], 100.0, 0.5, 1.0, 500, 0))
    ['release', 'kill-worker', 'rollback', 'release', 'rollback']
    """
    releases: list[Kind] = ["release"] * program.upgrades
    if (program.faults or program.rollbacks) and not releases:
        releases = ["release"]
    rollbacks: list[Kind] = ["rollback", "release"] * program.rollbacks
    return [*releases, *program.faults, *rollbacks[:-1]]


def _require_difference(told: Told) -> None:
    first, second = told.proba.values()
    if first == second:
        raise ProofFailed("Both models give the same answers, so one in the other's name would not be seen.")
