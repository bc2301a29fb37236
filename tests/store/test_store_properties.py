"""What holds for every season: saving is idempotent, order and dates do not decide identities."""

import dataclasses
import datetime as dt
import tempfile
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from store.database import open_store
from store.reads import data_digest, read_directory, read_matches, revision
from store.records import MatchRecord, Status
from store.writes import save

CLUBS = ["1. FC Köln", "Hertha BSC", "SC Freiburg", "VfB Stuttgart", "Werder Bremen"]
START = dt.datetime(2015, 8, 1, tzinfo=dt.UTC)


@contextmanager
def new_store():
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{Path(folder)}/matches.db")
        yield engine
        engine.dispose()


@st.composite
def seasons(draw):
    """A season of distinct pairings, each up to twice at one ground, in numbered rounds on distinct days."""
    pairings = draw(
        st.lists(st.tuples(st.sampled_from(CLUBS), st.sampled_from(CLUBS)).filter(lambda p: p[0] != p[1]), max_size=12)
    )
    kept = [pairing for index, pairing in enumerate(pairings) if pairings[:index].count(pairing) < 2]
    goals = st.one_of(st.none(), st.tuples(st.integers(0, 5), st.integers(0, 5)))
    records = []
    for number, (home, away) in enumerate(kept, start=1):
        score = draw(goals)
        day = START + dt.timedelta(days=7 * number)
        status = Status.PLAYED if score else Status.SCHEDULED
        match = MatchRecord("de.1", "2015-16", day, True, home, away, status, *(score or (None, None)))
        records.append(dataclasses.replace(match, round=f"Matchday {number}", source="test"))
    return records


@settings(max_examples=60, deadline=None)
@given(seasons())
def test_saving_twice_is_saving_once(records):
    """The second save reports no change, and the content is the same."""
    with new_store() as engine:
        save(engine, records, may_register_teams=True)
        before = read_directory(engine), revision(engine)
        report = save(engine, records, may_register_teams=True)

        assert (report.inserted, report.updated, report.unchanged) == (0, 0, len(records))
        assert (read_directory(engine), revision(engine)) == before


@settings(max_examples=60, deadline=None)
@given(seasons().flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_matter(both):
    """A shuffled file gives the same matches under the same ids."""
    in_order, shuffled = both
    with new_store() as one, new_store() as other:
        save(one, in_order, may_register_teams=True)
        save(other, shuffled, may_register_teams=True)

        assert read_directory(one) == read_directory(other)
        assert data_digest(read_matches(one)) == data_digest(read_matches(other))


@settings(max_examples=60, deadline=None)
@given(seasons(), st.data())
def test_moving_dates_keeps_the_ids(records, data):
    """However the calendar is redrawn, every round keeps its match id."""
    days = data.draw(st.lists(st.integers(0, 300), min_size=len(records), max_size=len(records), unique=True))
    moved = [
        dataclasses.replace(record, kickoff=START + dt.timedelta(days=day))
        for record, day in zip(records, days, strict=True)
    ]
    with new_store() as engine:
        before = save(engine, records, may_register_teams=True).match_ids
        after = save(engine, moved, may_register_teams=True)

        assert after.match_ids == before
        assert after.inserted == 0
