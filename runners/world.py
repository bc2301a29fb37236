"""All that a worker knows at one instant: the snapshot of the store and the timelines of its models.

A world is never changed; the next one is made beside it and takes its place at once.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from features.matches import MatchTable
from runners.kept_past import KeptPast
from runners.loading import LoadedModel
from runners.played import Played
from runners.replay import in_replay_order
from runners.snapshot import Snapshot
from runners.timeline import FEWEST_SHARE, Base, Timeline
from store.database import reading
from store.reads import Standing, changes_since, read_everything, read_matches, read_teams, standing
from store.teams import Alias, directory_of, names_met


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
    def begin(cls, model: LoadedModel, played: Played) -> Timelines:
        """Start from the state that was saved with a model."""
        artifact = model.artifact
        competitions = frozenset(artifact.competitions)
        base = Base(model.features, artifact.data_digest, artifact.data_matches)
        return cls(competitions, Timeline.begin(base, _of(played, competitions)), arithmetic=model.arithmetic)

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

    def advanced(self, before: Played, played: Played, changed: MatchTable, same: int) -> Timelines:
        """Return the timelines once matches have changed.

        Args:
            before, played: All played matches before and after.
            changed: All that were touched.
            same: So many leading rows of ``played`` are those of ``before``.
        """
        wide = None if self.wide is None else self.wide.advanced(played, same=same)
        own = self.own.played
        if own is not before:
            inside = changed.take(_inside(changed, self.competitions))
            after, unchanged = own.followed(inside)
            return replace(self, own=self.own.advanced(after, same=unchanged), wide=wide)
        if self.competitions.issuperset(played.days_of):
            return replace(self, own=self.own.advanced(played, same=same), wide=wide)
        return replace(self, own=self.own.advanced(_of(played, self.competitions)), wide=wide)

    def moved(self, played: Played) -> Timelines:
        """Return the timelines of other played matches, whatever lies between."""
        wide = None if self.wide is None else self.wide.advanced(played)
        return replace(self, own=self.own.advanced(_of(played, self.competitions)), wide=wide)

    def lacks_others(self, played: Played) -> bool:
        """Return whether there are matches of competitions that no timeline knows yet."""
        return self.wide is None and len(self.own.played) < len(played)

    def completed(self, played: Played) -> Timelines:
        """Return the timelines with the other competitions, which were left for later."""
        if self.lacks_others(played):
            return replace(self, wide=Timeline.begin(Base.nothing(self.own.base.state), played))
        return self


@dataclass(frozen=True, slots=True)
class World:
    """Hold the snapshot, the played matches, the timelines by model tag, and the names that the store adds."""

    snapshot: Snapshot
    played: Played
    timelines: Mapping[str, Timelines]
    store_id: str
    names: Sequence[Alias] = ()

    @property
    def table(self) -> MatchTable:
        """Return the played matches, in replay order."""
        return self.played.table

    @property
    def standing(self) -> Standing:
        """Return which store was read, and at which revision."""
        return Standing(self.store_id, self.snapshot.revision)

    def version(self, tag: str) -> str:
        """Return the digest of all in this world that an answer of a model can depend on: 32 hex digits.

        Which store, which revision of it, and whether the model still lacks what is left for later.
        """
        pending = [tag] if self.timelines[tag].lacks_others(self.played) else []
        text = "|".join((self.store_id, str(self.snapshot.revision), *pending))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def having(self, model: LoadedModel, begun: Timelines | None = None) -> World:
        """Return the world with the timelines of one more model.

        Args:
            model: Its timelines are those of another model where these are the same, else begun now.
            begun: Begun in an earlier world, to go on from.
        """
        lines = self._shared_by(model)
        if lines is None:
            lines = Timelines.begin(model, self.played) if begun is None else begun.moved(self.played)
            lines = lines.completed(self.played)
        return replace(self, timelines={**self.timelines, model.tag: lines})

    def beginning(self, model: LoadedModel) -> World:
        """Return the world as ``having`` does, with what is not needed to be ready left for later (``completed``)."""
        lines = self._shared_by(model) or Timelines.begin(model, self.played)
        return replace(self, timelines={**self.timelines, model.tag: lines})

    def _shared_by(self, model: LoadedModel) -> Timelines | None:
        return next((lines for lines in self.timelines.values() if lines.serve(model)), None)

    def lacking(self, tag: str) -> World:
        """Return the world without the timelines of a model."""
        return replace(self, timelines={other: lines for other, lines in self.timelines.items() if other != tag})

    def recall_past(self, folder: Path | None = None) -> None:
        """Replay the matches that the saved states had learned, so that asking for one of them takes no replay.

        Args:
            folder: Where replays are kept for other processes; None for nowhere.
        """
        for lines in self.timelines.values():
            lines.own.past.recall(None if folder is None else KeptPast(folder, lines.arithmetic))

    @property
    def is_past_recalled(self) -> bool:
        """Return whether that is done."""
        return all(lines.own.past.is_recalled for lines in self.timelines.values())

    def completed(self) -> World:
        """Return the world with what was left for later."""
        return replace(self, timelines=_each(self.timelines, lambda lines: lines.completed(self.played)))


def read_world(engine: sa.Engine, models: Sequence[LoadedModel]) -> World:
    """Read the whole store, as it is at one instant."""
    with reading(engine):
        now = standing(engine)
        rows, table = read_everything(engine)
        names = _names(engine)
        snapshot = Snapshot(rows, read_teams(engine), directory_of(names), now.revision)
    played = Played.of(in_replay_order(table))
    world = World(snapshot, played, {}, now.store_id, names)
    for model in models:
        world = world.beginning(model)
    return world


def follow_world(engine: sa.Engine, world: World, models: Sequence[LoadedModel]) -> World:
    """Read what has changed in the store since a world was read, and return the world that knows it.

    What has not changed is shared by both worlds.
    A store that was made in the place of the one read before is read from its beginning.
    """
    since = world.snapshot.revision
    with reading(engine):
        now = standing(engine)
        if now.store_id != world.store_id or now.revision < since:
            return read_world(engine, models)
        changed = _shared(read_matches(engine, changed_after=since))
        names = _names(engine)
        directory = world.snapshot.directory if names == world.names else directory_of(names)
        snapshot = world.snapshot.followed(changes_since(engine, since), read_teams(engine), directory, now.revision)
    before = world.played
    played, same = before.followed(changed)
    timelines = _each(world.timelines, lambda lines: lines.advanced(before, played, changed, same))
    return World(snapshot, played, timelines, now.store_id, names)


def _names(engine: sa.Engine) -> list[Alias]:
    with reading(engine) as connection:
        return names_met(connection)


def _each(timelines: Mapping[str, Timelines], change: Callable[[Timelines], Timelines]) -> dict[str, Timelines]:
    """Change timelines; those that are shared are changed once and stay shared."""
    changed = {id(lines): change(lines) for lines in {id(lines): lines for lines in timelines.values()}.values()}
    return {tag: changed[id(lines)] for tag, lines in timelines.items()}


def _of(played: Played, competitions: frozenset[str]) -> Played:
    """Return the matches of some competitions; the very same object where these are all."""
    if competitions.issuperset(played.days_of):
        return played
    return Played.of(played.table.take(_inside(played.table, competitions)))


def _inside(table: MatchTable, competitions: frozenset[str]) -> NDArray[np.bool_]:
    return np.array([code in competitions for code in table.competition], dtype=bool)


def _shared(table: MatchTable) -> MatchTable:
    """Return the table with its texts shared with the snapshot's."""
    for name in ("match_id", "competition", "season", "home", "away"):
        column = getattr(table, name)
        column[:] = [sys.intern(text) for text in column]
    return table
