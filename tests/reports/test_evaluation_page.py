"""The page about forecasts: its figures are those of every other report, and it needs nothing but itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_forecasts import forecasts

from models.errors import InvalidForecast
from models.scores import log_loss
from reports.comparison_plots import forest
from reports.evaluation import evaluation_page
from reports.importance import Importance
from reports.page import render
from reports.subject import Subject
from reports.wording import difference, number, share
from training.coverage import coverage_of
from training.report import by_group, report

SECTIONS = ["headline", "calibration", "groups", "confidence", "coverage", "misses", "course"]
VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """Read a page: its tables by caption, its attributes, the text of each section, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.tables, self.sections, self.row = [], [], {}, {}, None
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = dict(attrs)["id"]
            self.sections[self.section] = ""
        if tag == "caption":
            self.caption = ""
        if tag == "tr":
            self.row = []
        if tag in ("td", "th"):
            self.row.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "caption":
            self.tables[self.caption] = []
        if tag == "tr":
            self.tables[self.caption].append(self.row)

    def handle_data(self, data):
        if "section" in self.open:
            self.sections[self.section] += data
        if "caption" in self.open:
            self.caption += data.replace("\N{NO-BREAK SPACE}", " ")
        if self.open and self.open[-1] in ("td", "th"):
            self.row[-1] += data

    def values(self, name):
        return [value for _, attribute, value in self.attributes if attribute == name]


def subject_of(told, **changes):
    return Subject(**({"forecasts": told, "model": "mine", "titles": {"noisy": "Noisy one"}, "seed": 7} | changes))


def page_of(told, **options):
    return render(evaluation_page(subject_of(told), **({"promised": 0.8} | options)))


@pytest.fixture(scope="module")
def told():
    return forecasts()


@pytest.fixture(scope="module")
def page(told):
    return page_of(told)


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


def test_overall_figures_are_those_of_the_report(told, read):
    """
    Scores and differences of the first tables are what `training.report` says of the same forecasts.
    """
    expected = report(told, model="mine", seed=7)

    scores = {row[0]: row[1:] for row in read.tables["Scores over all 400 matches"][1:]}
    for name, title in {"mine": "ours (mine)", "noisy": "Noisy one", "constant": "constant"}.items():
        one = expected["scores"][name]
        first = [number(one["rps"]), number(one["log_loss"]), number(one["brier"])]
        assert scores[title] == [*first, share(one["accuracy"]), number(one["ece"])]
    differences = {row[0]: row[1:] for row in read.tables["Ours minus the baseline, with 95 % intervals"][1:]}
    for name, title in {"noisy": "Noisy one", "constant": "constant"}.items():
        one = expected["difference"][name]
        assert differences[title][:2] == [difference(one["rps"]), difference(one["log_loss"])]


@pytest.mark.parametrize("what", ["season", "competition"])
@pytest.mark.parametrize(("score", "title"), [("rps", "RPS"), ("log_loss", "log loss")])
def test_figures_of_groups_are_those_of_the_report(told, read, what, score, title):
    """
    Each season's and competition's row holds the scores and differences that `training.report` has for it.
    """
    labels = getattr(told.matches, what)
    expected = by_group(told, labels, model="mine", seed=7)
    if what == "competition":
        assert expected == report(told, model="mine", seed=7)["per_competition"]

    rows = read.tables[f"{title} by {what}, differences with 95 % intervals"][1:]
    assert rows == [
        [
            name,
            f"{(labels == name).sum()}",
            *(number(one["scores"][model][score]) for model in ("mine", "noisy", "constant")),
            *(difference(one["difference"][model][score]) for model in ("noisy", "constant")),
        ]
        for name, one in expected.items()
    ]


def test_every_section_is_there_in_order_and_can_be_gone_to(read):
    """
    The sections come in the stated order, each linked from the top, each with a line on how to read it.
    """
    assert list(read.sections) == SECTIONS
    links = [value for tag, name, value in read.attributes if (tag, name) == ("a", "href")]
    assert links == [f"#{anchor}" for anchor in SECTIONS]
    assert read.values("class").count("aid") == len(SECTIONS)


def test_a_page_needs_no_other_file_and_no_script(page, read):
    """
    Nothing is fetched: no script, no address, and every reference is to something on the page itself.
    """
    assert not re.search(r"https?:|<script|@import|@font-face|//\w", page)
    assert [value for tag, name, value in read.attributes if tag == "link" and name == "href"] == ["data:,"]
    ids = set(read.values("id"))
    inside = [value for tag, name, value in read.attributes if name == "href" and tag != "link"]
    assert {value.removeprefix("#") for value in inside} <= ids
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {f"#{one}" for one in ids}


def test_names_on_a_page_are_unique(read):
    """
    Drawings that stand on one page do not borrow each other's shapes.
    """
    ids = read.values("id")

    assert len(ids) == len(set(ids))


def test_every_plot_and_table_says_what_it_is(page, read):
    """
    Those who do not see a plot are told what it shows, with its figures; every table has a caption.
    """
    drawings = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', page)

    assert len(drawings) == page.count("<svg ") >= 15
    assert all(re.search(r"\d", alt) for alt in drawings)
    assert page.count("<table") == page.count("<caption")
    assert all(read.tables)


def test_text_in_plots_is_text(page):
    """
    Words in the drawings can be searched and read out: they are no outlines.
    """
    assert re.search(r"<text [^>]*>Noisy one</text>", page)
    assert re.search(r"<text [^>]*>2021-22</text>", page)


def test_the_same_forecasts_give_the_same_bytes(page, tmp_path):
    """
    Another process, with other hashes and a style of the reader's own, writes the same page to the byte.
    """
    (tmp_path / "matplotlibrc").write_text(
        "font.size: 30\nsvg.fonttype: path\naxes.facecolor: black\n", encoding="utf-8"
    )
    here = Path(__file__).parent
    environment = os.environ | {
        "PYTHONHASHSEED": "12",
        "MPLCONFIGDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(here.parents[1]), str(here), os.environ.get("PYTHONPATH", "")]),
    }
    program = "import sys, test_evaluation_page as t; sys.stdout.buffer.write(t.page_of(t.forecasts()).encode())"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, cwd=tmp_path
    )

    assert done.stdout.decode() == page


def test_missing_baselines_are_said_and_not_invented():
    """
    Of forecasts without baselines the page compares nothing, and says what to do.
    """
    read = Reader(page_of(forecasts(baselines=())))

    assert list(read.sections) == SECTIONS
    for anchor in ("headline", "groups", "course"):
        assert "hold no baseline" in read.sections[anchor]
        assert "--with-baselines" in read.sections[anchor]
    assert not [caption for caption in read.tables if caption.startswith("Ours minus")]
    assert [row[0] for row in read.tables["Scores over all 400 matches"]] == ["model", "ours (mine)"]


def test_names_are_text_and_never_markup():
    """
    A club, a model and a baseline may be called anything without changing the page.
    """
    told = forecasts(40, home_team="<b>Tag & Sons</b>")
    odd = dict(zip(("<i>mine</i>", "noisy", "constant"), told.proba.values(), strict=True))
    told = type(told)(told.matches, odd, told.trained_until)
    subject = subject_of(told, model="<i>mine</i>", titles={"noisy": '"><script>'})

    page = render(evaluation_page(subject, promised=0.8))

    assert "<b>" not in page
    assert "<i>" not in page
    assert "<script" not in page
    read = Reader(page)
    assert "<b>Tag & Sons</b>" in read.sections["misses"]
    assert "ours (<i>mine</i>)" in read.sections["headline"]


def test_the_biggest_misses_are_those_that_cost_most(told, read):
    """
    Fifteen matches by falling log loss, each with its date, its probabilities and its result.
    """
    rows = read.tables["The 15 matches with the largest log loss of ours"][1:]

    loss = log_loss(told.proba["mine"], told.matches.outcome)
    assert [row[-1] for row in rows] == [number(value, 2) for value in np.sort(loss)[::-1][:15]]
    worst = int(loss.argmax())
    day = np.datetime64(int(told.matches.day[worst]), "D")
    goals = f"{int(told.matches.home_goals[worst])}:{int(told.matches.away_goals[worst])}"
    assert rows[0][:5] == [str(day), told.matches.competition[worst], "Arvenholt", "Brixmoor", goals]
    assert rows[0][5:8] == [share(p) for p in told.proba["mine"][worst]]


def test_importance_is_shown_of_a_saved_model_alone(told, page):
    """
    Given a saved model, its features stand on the page before the misses, with its tag; else the section is left out.
    """
    saved = Importance("football:20260101t000000", {"elo_difference": 0.75, "home_rest_days": 0.25})

    read = Reader(page_of(told, saved=saved))

    assert list(read.sections) == [*SECTIONS[:5], "importance", *SECTIONS[5:]]
    assert "football:20260101t000000" in read.sections["importance"]
    assert "elo_difference" in read.sections["importance"]
    assert "elo_difference" not in page


def test_parts_permutation_and_dependence_are_shown_of_a_card_that_has_them(told):
    """
    The section names the module that is missed most first, with intervals, and the curve's numbers stand in a table.
    """
    lost = {"mean": 0.0125, "low": 0.01, "high": 0.015}
    explanations = {
        "matches": 1234,
        "contributions": {"elo_difference": 0.081},
        "permutation": {"strengths": {"rps": lost, "log_loss": lost}},
        "dependence": {
            "elo_difference": {
                "values": [-90.0, 90.0],
                "home": [0.31, 0.57],
                "draw": [0.27, 0.25],
                "away": [0.42, 0.18],
            }
        },
    }

    read = Reader(page_of(told, saved=Importance("football:1", {"elo_difference": 1.0}, explanations)))

    assert "1,234 matches" in read.sections["importance"]
    (modules,) = (rows for caption, rows in read.tables.items() if caption.startswith("What is lost without a module"))
    assert modules[1][0] == "strengths"
    assert modules[1][1].startswith("+0.01250 (+0.01000")
    curve = read.tables["Partial dependence on elo_difference"]
    assert [row[0] for row in curve[1:]] == ["home", "draw", "away"]
    assert curve[1][1:] == [share(0.31), share(0.57)]


def test_truth_is_found_calibrated(read):
    """
    Results were drawn from what ours said: no slope's interval leaves out 1, and observed coverage lies in its band.
    """
    for row in read.tables["Calibration per outcome"][1:]:
        low, high = (float(end.replace("−", "-")) for end in re.findall(r"[−\d.]+(?=\s|\))", row[4])[1:])
        assert low < 1.0 < high
    every = read.tables["Sets of 80 % by season"][-1]
    assert every[0] == "all"
    observed, low, high = (float(value) for value in re.findall(r"([\d.]+)\s%", " ".join(every[3:5])))
    assert low <= observed <= high


@pytest.mark.parametrize("matches", [1, 50])
def test_few_matches_make_a_page_that_says_what_it_left_out(matches):
    """
    Even of one match there is a page; seasons of under thirty are named as too small, not shown.
    """
    read = Reader(page_of(forecasts(matches)))

    assert list(read.sections) == SECTIONS
    assert "Too few matches (under 30)" in read.sections["groups"]
    assert not [caption for caption in read.tables if caption.startswith("RPS by season")]


def test_a_baseline_equal_to_ours_is_a_point_at_zero():
    """
    A difference of nothing is told as nothing, and pushes no other baseline off the axis.
    """
    told = forecasts(80)
    twin = type(told)(told.matches, dict(told.proba) | {"noisy": told.proba["mine"]}, told.trained_until)

    page = page_of(twin)

    rows = Reader(page).tables["Ours minus the baseline, with 95 % intervals"]
    assert rows[1][1] == difference({"mean": 0.0, "low": 0.0, "high": 0.0})
    drawing = re.search(r'aria-label="RPS: ours minus.*?</svg>', page, flags=re.DOTALL)[0]
    ticks = [float(text.replace("−", "-")) for text in re.findall(r">(−?[\d.]+)</text>", drawing)]
    assert max(ticks) - min(ticks) < 0.2


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("baselines", [("noisy",), ("noisy", "constant")])
def test_an_infinite_loss_is_shown_and_stops_nothing(baselines):
    """
    A baseline that called impossible what happened has an infinite log loss; the page says so and is drawn.
    """
    told = forecasts(80, baselines=baselines)
    wrong = told.proba["noisy"].copy()
    wrong[0] = np.roll([1.0, 0.0, 0.0], told.matches.outcome[0] + 1)
    broken = type(told)(told.matches, dict(told.proba) | {"noisy": wrong}, told.trained_until)

    read = Reader(page_of(broken))

    assert {row[0]: row[2] for row in read.tables["Scores over all 80 matches"]}["Noisy one"] == "∞"


def test_an_endless_interval_is_an_arrow(told):
    """
    A difference that is infinite is drawn as an arrow with that word, beside one that has a place.
    """
    endless = {"mean": -np.inf, "low": -np.inf, "high": 0.1}

    drawing = forest(subject_of(told), {"": {"noisy": endless, "constant": endless}}, name="x", title="log loss")

    assert drawing.count(">−∞</text>") == 2


def test_learned_sets_are_shown_and_explained(told):
    """
    Sets of thresholds of the model's own are counted by them; matches of new sides have a row of their own.
    """
    known = np.where(np.arange(400) % 5, 50.0, 3.0)
    learned = replace(told, set_threshold={"mine": np.full(400, 0.5)}, matches_known=known)
    expected = coverage_of(learned, model="mine")

    read = Reader(page_of(learned))

    rows = {row[0]: row[1:] for row in read.tables["Sets of 80 % by season"]}
    for name, one in {"all": expected.overall, "new sides": expected.new_sides, **expected.per_season}.items():
        band = f"{share(one.low)} to {share(one.high)}".replace(" ", "\N{NO-BREAK SPACE}")
        assert rows[name] == [f"{one.matches}", share(0.8), share(one.observed), band, number(one.mean_size, 2)]
    assert "learned from earlier results" in read.sections["coverage"]
    assert "a side of under 10 known matches" in read.sections["coverage"]
    at_another = Reader(page_of(learned, promised=0.9))
    assert "fewest outcomes" in at_another.sections["coverage"]


def test_a_coverage_that_is_none_is_refused(told):
    """
    Sets cannot promise all or nothing.
    """
    with pytest.raises(InvalidForecast, match="expected a number within"):
        page_of(told, promised=1.0)
