"""``football report``: from a window or from a file to one page, or to a line that says why not."""

from __future__ import annotations

import json

import pytest

WINDOW = ("--from", "2023-01-01", "--to", "2023-06-30", "--competitions", "xa.1,xb.1", "--refit-every", "200")


@pytest.fixture(scope="module")
def file(place, tmp_path_factory):
    """A backtest with its baselines."""
    file = tmp_path_factory.mktemp("backtest") / "backtest.csv"
    place.football("backtest", *WINDOW, "--with-baselines", "--out", str(file))
    return file


def test_a_file_gives_the_page_that_its_window_gives(place, file, tmp_path):
    """
    Drawing from a backtest's file is drawing anew without the fits: the same page to the byte, the same figures.
    """
    drawn, anew = tmp_path / "drawn.html", tmp_path / "anew.html"

    told = json.loads(place.football("report", "--forecasts", str(file), "--out", str(drawn), "--json").stdout)
    again = json.loads(place.football("report", *WINDOW, "--out", str(anew), "--json").stdout)

    assert drawn.read_bytes() == anew.read_bytes()
    assert told.pop("file") == str(drawn)
    assert again.pop("file") == str(anew)
    assert told == again
    assert told["matches"] == len(file.read_text(encoding="utf-8").splitlines()) // 4 > 60
    assert f"{told['scores'][told['model']]['rps']:.4f}" in drawn.read_text(encoding="utf-8")


def test_importance_is_that_of_the_saved_models_card(place, trained, file, tmp_path):
    """
    With --model the page names the features that the card of the saved model names.
    """
    page = tmp_path / "page.html"

    place.football("report", "--forecasts", str(file), "--model", trained.tag, "--out", str(page))

    text = page.read_text(encoding="utf-8")
    assert trained.tag in text
    assert all(f">{feature}</text>" in text for feature in list(trained.card["importance"])[:15])
    explained = trained.card["explanations"]
    assert all(f">{module}</th>" in text or f">{module}</td>" in text for module in explained["permutation"])
    assert all(f"Partial dependence on {feature}" in text for feature in explained["dependence"])


def test_a_backtest_of_ours_alone_is_drawn_and_said_to_lack_baselines(run, file, tmp_path):
    """
    A file that was written without baselines is enough for a page; what cannot be compared is said.
    """
    ours = file.read_text(encoding="utf-8").splitlines(keepends=True)
    alone = tmp_path / "alone.csv"
    alone.write_text("".join([ours[0], *ours[1::4]]), encoding="utf-8")

    done = run("report", "--forecasts", str(alone), "--out", "page.html")

    assert "Page written to page.html" in done.stdout
    assert "hold no baseline" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((), 2, "Give a window with --from and --to, or a file of forecasts with --forecasts"),
        (("--from", "2023-01-01"), 2, "Give a window with --from and --to"),
        (("--from", "2023-01-01", "--to", "2022-01-01"), 2, "2022-01-01 lies before --from"),
        (
            ("--forecasts", "x.csv", "--from", "2023-01-01", "--refit-every", "9"),
            2,
            "leave out --from and --refit-every",
        ),
        (("--forecasts", "missing.csv"), 2, "'missing.csv' does not exist"),
        (("--forecasts", "x.csv", "--coverage", "1"), 2, "1.0 is not in the range 0.0<x<1.0"),
        (("--forecasts", "x.csv"), 1, "x.csv lacks the columns match_id"),
        (("--forecasts", "x.csv", "--model", "football:none"), 1, "`football models` lists those that are saved"),
        (("--from", "2030-01-01", "--to", "2030-12-31"), 1, "no played match lies in the window"),
        (("--from", "2023-01-01", "--to", "2023-02-01", "--competitions", "zz.1"), 1, "has no competition 'zz.1'"),
    ],
)
def test_a_page_that_cannot_be_is_one_line_and_leaves_no_file(run, tmp_path, options, code, told):
    """
    Wrong usage ends with 2, data that cannot be had with 1; the last line says why, and no page is left.
    """
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    done = run("report", *options, "--out", "page.html", code=code)

    assert told in " ".join(done.stderr.splitlines()[-2:])
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]
