"""The tables of the match store.

Names and types only; nothing here opens a connection. SQLite and PostgreSQL
get the same tables.
"""

from __future__ import annotations

from dataclasses import fields

import sqlalchemy as sa

from store.records import Statistics

SCHEMA_VERSION = 2
"""Raise by one with every change of a table; an older program then refuses the store instead of misreading it."""

metadata = sa.MetaData()

STATISTICS = tuple(field.name for field in fields(Statistics))


def _statistic(name: str) -> sa.Column[float] | sa.Column[int]:
    is_real = name.endswith("_xg") or name.startswith(("odds_", "closing_"))
    return sa.Column(name, sa.Double()) if is_real else sa.Column(name, sa.Integer())


matches = sa.Table(
    "matches",
    metadata,
    sa.Column("match_id", sa.String(16), primary_key=True),
    sa.Column("competition", sa.Text(), nullable=False),
    sa.Column("season", sa.Text(), nullable=False),
    sa.Column("leg", sa.Integer(), nullable=False, comment="1 for the first match of a pairing at this ground"),
    sa.Column("round", sa.Text()),
    sa.Column("kickoff", sa.BigInteger(), comment="seconds since 1970-01-01 UTC; null for a fixture without a date"),
    sa.Column("is_date_only", sa.Boolean(), nullable=False),
    sa.Column("home", sa.Text(), nullable=False),
    sa.Column("away", sa.Text(), nullable=False),
    sa.Column("status", sa.Text(), nullable=False),
    sa.Column("home_goals", sa.Integer(), comment="as told, also of an awarded match; reads give them for played ones"),
    sa.Column("away_goals", sa.Integer()),
    sa.Column("neutral_venue", sa.Boolean(), nullable=False),
    *(_statistic(name) for name in STATISTICS),
    sa.Column("source", sa.Text(), nullable=False, comment="who told the score, or the fixture until there is one"),
    sa.Column("source_home", sa.Text(), nullable=False),
    sa.Column("source_away", sa.Text(), nullable=False),
    sa.Column("origin", sa.Text(), nullable=False),
    sa.Column("changed_at", sa.BigInteger(), nullable=False, comment="the revision that last touched the row"),
    sa.UniqueConstraint("competition", "season", "home", "away", "leg", name="one_row_a_leg"),
    sa.CheckConstraint("home <> away", name="two_teams"),
    sa.CheckConstraint(
        "status <> 'played' or home_goals is not null and away_goals is not null", name="played_has_goals"
    ),
)
sa.Index("matches_by_change", matches.c.changed_at)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("team", sa.Text(), primary_key=True),
    sa.Column("association", sa.Text(), nullable=False),
    sa.Column("name", sa.Text(), nullable=False),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("association", sa.Text(), primary_key=True),
    sa.Column("alias", sa.Text(), primary_key=True),
    sa.Column("team", sa.Text(), sa.ForeignKey("teams.team"), nullable=False),
    sa.Column("source", sa.Text(), nullable=False, comment="who said so, such as 'operator'"),
)

state = sa.Table(
    "state",
    metadata,
    sa.Column("one", sa.Integer(), sa.CheckConstraint("one = 1"), primary_key=True, autoincrement=False),
    sa.Column("schema_version", sa.Integer(), nullable=False),
    sa.Column("store_id", sa.Text(), nullable=False, comment="drawn at random when the store is made"),
    sa.Column("revision", sa.BigInteger(), nullable=False, comment="moves by one with every change of the store"),
)
