"""A page of sections, each with plots, tables and one line on how to read them; HTML that needs no other file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from reports.wording import SPACE


@dataclass(frozen=True, slots=True)
class Plot:
    """Hold a drawing as inline SVG, which says itself what it shows, and its caption."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table; the first column names the row, ``text_columns`` of all are words and not figures.

    Attributes:
        emphasis: Which rows stand out, such as ours.
        is_folded: Whether it is opened only by a reader who wants it.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    emphasis: frozenset[int] = frozenset()
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Hold a section.

    Attributes:
        anchor: What links point to, unique on the page.
        aid: One line that says how to read it.
        notes: What is missing, or else to be known.
    """

    anchor: str
    title: str
    aid: str
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Hold a page.

    Attributes:
        tiles: Figures to see first: what each is, its value, a remark.
    """

    title: str
    summary: str
    tiles: Sequence[tuple[str, str, str]]
    sections: Sequence[Section]
    sources: Sequence[str]


def render(page: Page) -> str:
    """Return the page as HTML; the same page gives the same text.

    All text is escaped; the drawings alone go in as they are.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["unbroken"] = _unbroken
    template = environment.from_string(files("reports").joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(page=page, drawing=Markup)


def _unbroken(text: str) -> str:
    """Keep a number and its percent sign in one line."""
    return text.replace(" %", f"{SPACE}%")
