"""All that a worker knows at one instant: the snapshot of the store and the timelines of its models.

A world is never changed; the next one is made beside it and takes its place at once.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import sqlalchemy as sa

from features.matches import MatchTable
from runners.loading import LoadedModel
from runners.replay import in_replay_order
from runners.snapshot import Snapshot
from runners.timeline import FEWEST_SHARE, Base, Timeline
from store.database import reading
from store.reads import MatchRow, Standing, changes_since, read_directory, read_matches, read_teams, standing
from store.teams import load_directory

_NONE: Final = MatchTable.from_columns(match_id=[], competition=[], season=[], kickoff=[], home=[], away=[])


@dataclass(frozen=True, slots=True)
class Timelines:
    """Hold the states of one model: of the competitions it was trained on, and of all there are.

    Models of the same arithmetic and competitions share them. Their features mean what they meant in training only as long as they are
    computed from the same competitions. A competition that they were not trained
    on is described from everything, and the answer says so.
    """

    competitions: frozenset[str]
    own: Timeline
    wide: Timeline | None = None
    arithmetic: str = ""

    @classmethod
    def begin(cls, model: LoadedModel, table: MatchTable) -> Timelines:
        """Start from the state that was saved with a model; ``table`` holds the played matches in replay order."""
        artifact = model.artifact
        competitions = frozenset(artifact.competitions)
        base = Base(model.features, artifact.data_digest, artifact.data_matches)
        return cls(competitions, Timeline.begin(base, _of(table, competitions)), arithmetic=model.arithmetic)

    def serve(self, model: LoadedModel) -> bool:
        """Return whether a model's own timelines would hold the very same states.

        They rest on the code of the features, the competitions and the store alone,
        unless the store lacks so much that a saved state must stand in for it.
        """
        artifact = model.artifact
        if (self.arithmetic, self.competitions) != (model.arithmetic, frozenset(artifact.competitions)):
            return False
        there = self.own.known_before(model.features.last_day + 1)
        return not self.own.degraded and there >= FEWEST_SHARE * artifact.data_matches

    def of(self, competition: str) -> Timeline:
        """Return the timeline that describes matches of a competition."""
        return self.own if self.wide is None or competition in self.competitions else self.wide

    def advanced(self, table: MatchTable) -> Timelines:
        """Return the timelines of another table of played matches."""
        wide = None if self.wide is None else self.wide.advanced(table)
        return replace(self, own=self.own.advanced(_of(table, self.competitions)), wide=wide)

    def lacks_others(self, table: MatchTable) -> bool:
        """Return whether the table holds competitions that no timeline knows yet."""
        return self.wide is None and len(self.own.table) < len(table)

    def completed(self, table: MatchTable) -> Timelines:
        """Return the timelines with the other competitions, which were left for later."""
        if self.lacks_others(table):
            wide = Timeline.begin(Base.nothing(self.own.base.state), table)
            return replace(self, wide=wide)
        return self


@dataclass(frozen=True, slots=True)
class World:
    """Hold the snapshot, the played matches in replay order, and the timelines by model tag."""

    snapshot: Snapshot
    table: MatchTable
    timelines: Mapping[str, Timelines]
    store_id: str

    @property
    def standing(self) -> Standing:
        """Return which store was read, and at which revision."""
        return Standing(self.store_id, self.snapshot.revision)

    def version(self, tag: str) -> str:
        """Return the digest of all in this world that an answer of a model can depend on: 32 hex digits.

        Which store, which revision of it, and whether the model still lacks what is left for later.
        """
        pending = [tag] if self.timelines[tag].lacks_others(self.table) else []
        text = "|".join((self.store_id, str(self.snapshot.revision), *pending))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def having(self, model: LoadedModel, begun: Timelines | None = None) -> World:
        """Return the world with the timelines of one more model.

        Args:
            model: Its timelines are those of another model where these are the same, else begun now.
            begun: Begun in an earlier world, to go on from.
        """
        shared = next((lines for lines in self.timelines.values() if lines.serve(model)), None)
        if shared is None:
            shared = Timelines.begin(model, self.table) if begun is None else begun.advanced(self.table)
            shared = shared.completed(self.table)
        return replace(self, timelines={**self.timelines, model.tag: shared})

    def lacking(self, tag: str) -> World:
        """Return the world without the timelines of a model."""
        return replace(self, timelines={other: lines for other, lines in self.timelines.items() if other != tag})

    def recall_past(self) -> None:
        """Replay the matches that the saved states had learned, so that asking for one of them takes no replay."""
        for lines in self.timelines.values():
            lines.own.past.recall()

    @property
    def is_past_recalled(self) -> bool:
        """Return whether that is done."""
        return all(lines.own.past.is_recalled for lines in self.timelines.values())

    def completed(self) -> World:
        """Return the world with what was left for later."""
        return replace(self, timelines=_each(self.timelines, lambda lines: lines.completed(self.table)))


def read_world(engine: sa.Engine, models: Sequence[LoadedModel]) -> World:
    """Read the whole store, as it is at one instant."""
    with reading(engine):
        now = standing(engine)
        rows = read_directory(engine)
        codes = sorted({row.competition for row in rows})
        # One competition after another: what is only passing through stays small.
        parts = [_shared(read_matches(engine, competitions=[code])) for code in codes]
        snapshot = _snapshot(engine, rows, now.revision)
    table = in_replay_order(MatchTable.concatenate([_NONE, *parts]))
    world = World(snapshot, table, {}, now.store_id)
    for model in models:
        shared = next((lines for lines in world.timelines.values() if lines.serve(model)), None)
        lines = shared or Timelines.begin(model, table)
        world = replace(world, timelines={**world.timelines, model.tag: lines})
    return world


def follow_world(engine: sa.Engine, world: World, models: Sequence[LoadedModel]) -> World:
    """Read what has changed in the store since a world was read, and return the world that knows it.

    A store that was made in the place of the one read before is read from its beginning.
    """
    since = world.snapshot.revision
    with reading(engine):
        now = standing(engine)
        if now.store_id != world.store_id or now.revision < since:
            return read_world(engine, models)
        rows = {row.match_id: row for row in world.snapshot.rows}
        rows |= {row.match_id: row for row in changes_since(engine, since)}
        changed = read_matches(engine, changed_after=since)
        snapshot = _snapshot(engine, rows.values(), now.revision)
    table = _merged(world.table, changed)
    return World(snapshot, table, _each(world.timelines, lambda lines: lines.advanced(table)), now.store_id)


def _snapshot(engine: sa.Engine, rows: Iterable[MatchRow], now: int) -> Snapshot:
    with reading(engine) as connection:
        directory = load_directory(connection)
    return Snapshot(rows, read_teams(engine), directory, now)


def _each(timelines: Mapping[str, Timelines], change: Callable[[Timelines], Timelines]) -> dict[str, Timelines]:
    """Change timelines; those that are shared are changed once and stay shared."""
    changed = {id(lines): change(lines) for lines in {id(lines): lines for lines in timelines.values()}.values()}
    return {tag: changed[id(lines)] for tag, lines in timelines.items()}


def _of(table: MatchTable, competitions: frozenset[str]) -> MatchTable:
    inside = np.array([code in competitions for code in table.competition], dtype=bool)
    return table if inside.all() else table.take(inside)


def _merged(table: MatchTable, changed: MatchTable) -> MatchTable:
    touched = set(changed.match_id)
    kept = np.array([match_id not in touched for match_id in table.match_id], dtype=bool)
    return in_replay_order(MatchTable.concatenate([table.take(kept), _shared(changed)]))


def _shared(table: MatchTable) -> MatchTable:
    """Return the table with its texts shared with the snapshot's."""
    for name in ("match_id", "competition", "season", "home", "away"):
        column = getattr(table, name)
        column[:] = [sys.intern(text) for text in column]
    return table
