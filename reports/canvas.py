"""The one place that draws: matplotlib in one style, as SVG that goes into a page.

Uses no global figure and no display. The same drawing gives the same text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

Draw = Callable[[Figure], None]

# Okabe & Ito (2008), told apart by readers of every colour vision; markers tell the same again.
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9"
GREY, LIGHT, INK = "#6b7680", "#c9d1d9", "#1c2733"
OURS: Final = (BLUE, "o")
OTHERS: Final = ((VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "v"), (SKY, "P"), (GREY, "X"))

# In points, which a page shows at 0.9 to 1.4 pixels each: two plots in a row, or three.
WIDE, NARROW = 370, 310
_POINTS_PER_INCH: Final = 72
_STYLE: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so that widths are the same everywhere
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 11,
    "axes.labelcolor": GREY,
    "axes.edgecolor": LIGHT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e9edf1",
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "figure.dpi": _POINTS_PER_INCH,
    "figure.facecolor": "white",
}
_BACKEND: Final = ("backend", "backend_fallback")  # which this module does not use
_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def svg(draw: Draw, *, name: str, alt: str, height: int, width: int = WIDE) -> str:
    """Draw on a figure and return an ``<svg>`` element that scales with its place.

    Args:
        draw: Called with the figure.
        name: Unique on the page, as what the drawing defines is named after it.
        alt: What it shows, for those who do not see it.
        height, width: In points; text is 11 high.
    """
    # The reader's own matplotlibrc must not change a page.
    settings: dict[Any, Any] = {key: value for key, value in mpl.rcParamsDefault.items() if key not in _BACKEND}
    with mpl.rc_context(settings | _STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH), layout="constrained")
        draw(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=_NO_METADATA)
    return _inline(stream.getvalue(), alt)


def colours(models: list[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each model, ours first.

    >>> colours(["mine", "theirs"])
    {'mine': ('#0072b2', 'o'), 'theirs': ('#d55e00', 's')}
    """
    repeated = (OTHERS[i % len(OTHERS)] for i in range(len(models) - 1))
    return dict(zip(models, [OURS, *repeated], strict=True))


def _inline(document: str, alt: str) -> str:
    """Return the element alone, without prologue, links to namespaces, style for the whole page and unused ids."""
    box = re.search(r'viewBox="([^"]+)"', document)
    assert box is not None, "matplotlib writes a view box"
    body = document[document.index(">", document.index("<svg")) + 1 :]
    body = re.sub(r"\s*<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=")
    used = set(re.findall(r'url\(#([^)"]+)\)|href="#([^"]+)"', body))
    names = {name for pair in used for name in pair}
    body = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in names else "", body)
    body = re.sub(r"\n\s*", "\n", body).strip()
    return f'<svg viewBox="{box[1]}" role="img" aria-label="{escape(alt)}">\n{body}'
