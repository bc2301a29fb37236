"""``football select``: a better challenger is promoted, another one is not, and the untouched season stays untouched."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from optuna.trial import TrialState

from features.matches import MatchTable
from models.choices import Choices
from store.database import open_store
from store.reads import read_matches
from training.configuration import Configuration
from training.folds import Folds, mean_rps
from training.history import History, walk
from training.run import Plan
from training.search import Budget
from training.seasons import windows_of
from training.selection import KEPT, PROMOTED, WOULD_PROMOTE, Rules, select
from training.studies import SelectionBusy, file_beside, opened

SEED = 20261124
PLAN = Plan("football", SEED, 60, 300, 1)
SETTINGS = {"FOOTBALL_TRAINING__VALIDATION_DAYS": "60"}
REFIT_DAYS = 366  # one fold a season
FIRST = dt.date(2022, 7, 1)
OPTIONS = ("--from", str(FIRST), "--refit-every", str(REFIT_DAYS))
STUBBORN = Choices(members=("rating_logit",), logit_ridge=1e6)  # hardly learns that one club is better than another


def told_nothing(*_):
    pass


@dataclass
class Desk:
    """Selections over one world, kept in one place."""

    store: Path
    league: MatchTable
    history: History

    def rules(self, **changes) -> Rules:
        windows = windows_of(self.league, warm_up_days=PLAN.warm_up_days, first=FIRST)
        return replace(Rules(windows, REFIT_DAYS, 0.05), **changes)

    def select(self, champion=None, trials=1, history=None, on_progress=told_nothing, **changes):
        engine = open_store(f"sqlite:///{self.store}")
        plan = replace(PLAN, configuration=Configuration(champion or Choices()))
        with opened(engine) as storage:
            decision = select(
                history or self.history, storage, plan, self.rules(**changes), Budget(trials), on_progress=on_progress
            )
        engine.dispose()
        return decision

    def trials(self):
        """Parameters, state and values by fold of every trial that counts, in order."""
        engine = open_store(f"sqlite:///{self.store}")
        with opened(engine) as storage:
            (study,) = storage.get_all_studies()
            trials = storage.get_all_trials(study._study_id)
        engine.dispose()
        return [
            (one.params, one.state, one.values, one.intermediate_values)
            for one in trials
            if one.state is not TrialState.FAIL
        ]


@pytest.fixture
def desk(league, history, tmp_path) -> Desk:
    return Desk(tmp_path / "store.sqlite", league, history)


def test_a_challenger_that_is_no_better_is_kept_out(desk):
    """
    The best of the search leads on the searched seasons, but the untouched one does not show it: the champion stays.
    """
    decision = desk.select(champion=Choices(members=("goal_model",)))

    told = decision.evidence
    assert told["searched_rps"]["challenger"] < told["searched_rps"]["champion"]
    assert not decision.is_promoted
    assert told["decision"] == KEPT
    assert told["test"]["p"] > told["test"]["error_rate_of_this_look"]


def test_a_search_that_finds_nothing_better_takes_no_look(desk):
    """
    Where the champion itself is the best of the search there is nothing to compare, and nothing of the error rate is spent.
    """
    told = desk.select().evidence

    assert told["decision"] == KEPT
    assert told["test"] is None
    assert told["champion"] == told["challenger"]


def test_a_second_look_at_the_same_season_is_named_and_may_spend_less(desk):
    """
    Each further comparison on a season gets a smaller share of one error rate; the same one again is not a further one.
    """
    first = desk.select(champion=STUBBORN, promotes=False)
    second = desk.select(champion=replace(STUBBORN, logit_ridge=9e5), promotes=False)
    again = desk.select(champion=STUBBORN, promotes=False)

    tests = [one.evidence["test"] for one in (first, second, again)]
    assert [test["look"] for test in tests] == [1, 2, 1]
    assert [test["error_rate_of_this_look"] for test in tests] == pytest.approx([0.025, 0.05 / 6, 0.025])
    assert [len(test["looks_before"]) for test in tests] == [0, 1, 0]
    assert tests[0] == tests[2]
    assert first.evidence["decision"] == WOULD_PROMOTE
    assert not first.is_promoted


def test_the_search_does_not_read_the_untouched_season(desk, tmp_path):
    """
    With all results of the untouched season turned round the trials are the same to the bit; only the decision sees them.
    """
    first = desk.rules().windows.untouched.first
    later = desk.league.day >= first
    turned = replace(
        desk.league,
        home_goals=desk.league.home_goals.copy(),
        away_goals=desk.league.away_goals.copy(),
    )
    turned.home_goals[later], turned.away_goals[later] = turned.away_goals[later], turned.home_goals[later].copy()
    other = Desk(tmp_path / "turned.sqlite", turned, walk(turned)[1])

    # The second fold of 250 days would reach into the untouched season, were it not cut off.
    told = [one.select(champion=STUBBORN, trials=2, promotes=False, refit_days=250).evidence for one in (desk, other)]

    assert desk.trials() == other.trials()
    assert len(desk.trials()) == 2
    assert told[0]["study"] == told[1]["study"]
    assert told[0]["searched_rps"] == told[1]["searched_rps"]
    assert told[0]["test"]["rps"] != told[1]["test"]["rps"]


class Ended(Exception):
    """Stand for the end of a process."""


def test_ended_and_gone_on_with_a_search_makes_the_same_trials(desk, tmp_path):
    """
    A search that was ended in its second trial and started again comes to the same trials, to the bit, as one that was not.
    """
    other = Desk(tmp_path / "whole.sqlite", desk.league, desk.history)

    def end(name, done, total):
        if (name, done) == ("trials", 1):
            raise Ended

    with pytest.raises(Ended):
        desk.select(trials=3, refit_days=90, on_progress=end)
    before = desk.trials()
    desk.select(trials=3, refit_days=90)
    other.select(trials=3, refit_days=90)

    assert [state for _, state, _, _ in before][-1] is TrialState.RUNNING
    assert desk.trials() == other.trials()
    assert len({repr(parameters) for parameters, *_ in desk.trials()}) == 3


def test_killed_it_goes_on_and_leaves_no_process_behind(small_place):
    """
    Killed with its helpers at work, a search is gone on with: finished trials stay, those under way are done again.
    """
    engine = open_store(small_place.database_url)
    league = read_matches(engine)
    desk = Desk(Path(engine.url.database), league, walk(league)[1])
    process = small_place.start("select", "--trials", "500", "--jobs", "2", *OPTIONS, "--no-promote", **SETTINGS)
    wait_for(lambda: finished(file_beside(engine.url)) >= 2, process)
    helpers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    engine.dispose()
    before = [trial for trial in desk.trials() if trial[1].is_finished()]
    desk.select(trials=len(before) + 2)

    after = desk.trials()
    assert len(helpers) >= 2
    wait_for(lambda: not any(alive(helper) for helper in helpers))
    assert [trial for trial in after if trial in before] == before
    assert len(after) == len(before) + 2
    assert all(state.is_finished() for _, state, _, _ in after)
    folds = Folds.of(desk.history, PLAN, desk.rules().windows.searched, refit_days=REFIT_DAYS, competitions=None)
    assert after[0][2] == [mean_rps([folds.score(Choices(), fold) for fold in range(len(folds))])]


def wait_for(is_so, process=None):
    end = time.monotonic() + 100
    while not is_so():
        assert process is None or process.poll() is None, "the search ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.05)


def finished(file: Path) -> int:
    if not file.exists():
        return 0
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        try:
            return connection.execute("SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')").fetchone()[0]
        except sqlite3.OperationalError:  # the tables are about to be made
            return 0
        finally:
            connection.commit()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_two_at_a_time_are_refused(desk):
    """
    A second selection with the same store is told that one is at work.
    """
    engine = open_store(f"sqlite:///{desk.store}")

    with opened(engine), pytest.raises(SelectionBusy, match="another `football select`"):
        desk.select()
    engine.dispose()


IN_ONE_PROCESS = """
import json, os, sys
from click.testing import CliRunner
from cli.main import main
from models.choices import Choices
from store.database import open_store
from store.reads import read_matches
from training.configuration import Configuration
from training.run import Plan, train

def football(*arguments):
    done = CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)

champion = Configuration(Choices.from_plain(json.loads(sys.argv[1])))
plan = Plan("football", 20261124, 60, 300, 1, champion)
train(read_matches(open_store(os.environ["FOOTBALL_DATABASE_URL"])), plan, on_stage=lambda *_: None)
selected, again = (football("select", "--trials", "1", *sys.argv[2:]) for _ in range(2))
trained = football("train")
print(json.dumps([selected, again, trained, football("models")]))
"""


def test_a_better_challenger_is_promoted_and_training_goes_on_with_it(small_place):
    """
    A champion that hardly learns loses to the defaults: they are saved with the evidence, and stay until the next time.
    """
    told = small_place.python("-c", IN_ONE_PROCESS, json.dumps(STUBBORN.to_plain()), *OPTIONS, **SETTINGS).stdout
    selected, again, trained, models = json.loads(told.splitlines()[-1])

    assert selected["decision"] == PROMOTED
    assert selected["test"]["p"] < selected["test"]["error_rate_of_this_look"] == 0.025
    assert selected["test"]["difference"]["high"] < 0.0
    assert again["decision"] == KEPT
    assert again["promoted"] is None
    assert [model["choices"] for model in models] == ["selection", "selection", "defaults"]
    assert models[1]["tag"] == selected["promoted"]
    kept = trained["card"]["configuration"]
    assert kept["choices"] == Choices().to_plain()
    evidence = {name: value for name, value in selected.items() if name != "promoted"}
    assert kept["selection"] == evidence
