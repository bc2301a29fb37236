"""From the runners' forecasts and views to the answers' schemas. Adds nothing but what is said here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from api import explanation_responses as why
from api import market_responses as market
from api import responses as out
from runners.contributions import Contribution, ForecastExplanation, OfOutcomes
from runners.queries import Certainty, Forecast, Line, Markets, MatchView, PredictionQuery

OUTCOMES: Final[tuple[market.Outcome, ...]] = ("home_win", "draw", "away_win")

_WINNER: Final = frozenset({"double_chance", "draw_no_bet", "prediction_set", "probability_intervals"})
BLOCKS: Final[Mapping[str, frozenset[str]]] = {
    "winner": _WINNER,
    "score": _WINNER | {"expected_goals", "correct_score", "intervals"},
    "over_under": frozenset({"expected_goals", "over_under", "both_teams_to_score"}),
    "probability": _WINNER
    | {"expected_goals", "over_under", "both_teams_to_score", "asian_handicap", "correct_score", "intervals"},
}


def prediction_of(
    forecast: Forecast, query: PredictionQuery, *, request_id: str, predicted_at: dt.datetime, milliseconds: float
) -> out.Prediction:
    """Return the answer to a query: the forecast, with the market blocks that the query chose."""
    proba = (float(forecast.proba[0]), float(forecast.proba[1]), float(forecast.proba[2]))
    likeliest = proba.index(max(proba))
    blocks = BLOCKS[query.prediction_type]
    markets = forecast.markets
    return out.Prediction(
        request_id=request_id,
        match_id=forecast.match.match_id,
        predicted_at=predicted_at,
        home_win_prob=proba[0],
        draw_prob=proba[1],
        away_win_prob=proba[2],
        predicted_outcome=OUTCOMES[likeliest],
        confidence=proba[likeliest],
        model_name=forecast.model_name,
        model_version=forecast.model_version,
        model_type=forecast.model_type,
        features_used=list(forecast.features_used),
        prediction_time_ms=milliseconds,
        cached=False,
        degraded=bool(forecast.degraded),
        metadata=metadata_of(forecast, query),
        expected_goals=_expected_goals(markets) if "expected_goals" in blocks else None,
        over_under=[_over_under(line) for line in markets.over_under] if "over_under" in blocks else None,
        both_teams_to_score=_both_to_score(markets) if "both_teams_to_score" in blocks else None,
        double_chance=_double_chance(markets) if "double_chance" in blocks else None,
        draw_no_bet=_draw_no_bet(markets) if "draw_no_bet" in blocks else None,
        asian_handicap=[_handicap(line) for line in markets.asian_handicap] if "asian_handicap" in blocks else None,
        correct_score=_correct_score(markets) if "correct_score" in blocks else None,
        prediction_set=prediction_set_of(proba, forecast.certainty) if "prediction_set" in blocks else None,
        probability_intervals=(
            probability_intervals_of(forecast.certainty) if "probability_intervals" in blocks else None
        ),
        intervals=_intervals(markets) if "intervals" in blocks else None,
        explanation=explanation_of(forecast.explanation) if query.explain else None,
    )


def prediction_set_of(proba: tuple[float, float, float], certainty: Certainty) -> market.PredictionSet:
    """Return the outcomes whose likelier ones are together no likelier than the threshold, most likely first.

    >>> prediction_set_of((0.5, 0.2, 0.3), Certainty(coverage=0.8, set_threshold=0.7, ends=())).outcomes
    ['home_win', 'away_win']
    """
    outcomes: list[market.Outcome] = []
    reached = 0.0
    for index in sorted((0, 1, 2), key=proba.__getitem__, reverse=True):  # of equals the earlier one first
        if reached > certainty.set_threshold:
            break
        outcomes.append(OUTCOMES[index])
        reached += proba[index]
    return market.PredictionSet(
        coverage=certainty.coverage, outcomes=outcomes, probability=reached, abstain=len(outcomes) == len(OUTCOMES)
    )


def probability_intervals_of(certainty: Certainty) -> market.ProbabilityIntervals:
    """Return the interval of each probability."""
    ends = certainty.ends
    home, draw, away = (market.ProbabilityRange(low=ends[i], high=ends[i + 1]) for i in (0, 2, 4))
    return market.ProbabilityIntervals(coverage=certainty.coverage, home_win=home, draw=draw, away_win=away)


def match_of(view: MatchView) -> out.Match:
    """Return a match as callers see it."""
    return out.Match(
        match_id=view.match_id,
        competition=view.competition,
        season=view.season,
        kickoff=utc(view.kickoff),
        is_date_only=view.is_date_only,
        home_team=view.home_team,
        away_team=view.away_team,
        status=str(view.status),
        neutral_venue=view.is_neutral_venue,
        home_goals=view.home_goals,
        away_goals=view.away_goals,
    )


def utc(moment: dt.datetime | None) -> dt.datetime | None:
    """Return the same instant in UTC, which is written with a Z; None stays None."""
    return None if moment is None else _in_utc(moment)


def _in_utc(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is dt.UTC else moment.astimezone(dt.UTC)


def metadata_of(forecast: Forecast, query: PredictionQuery) -> out.PredictionMetadata:
    """Return what a forecast rests on, as callers see it."""
    return out.PredictionMetadata(
        prediction_type=query.prediction_type,
        match=match_of(forecast.match),
        as_of=_in_utc(forecast.as_of),
        feature_state_version=forecast.feature_state_version,
        newest_result_at=utc(forecast.newest_result_at),
        trained_until=_in_utc(forecast.trained_until),
        overridden_features=list(forecast.overridden),
        degraded_reasons=list(forecast.degraded),
    )


def _expected_goals(markets: Markets) -> market.ExpectedGoals:
    return market.ExpectedGoals(home=markets.expected_home_goals, away=markets.expected_away_goals)


def _over_under(line: Line) -> market.OverUnder:
    return market.OverUnder(line=line.line, over=line.first, under=line.second, push=line.push)


def _handicap(line: Line) -> market.AsianHandicap:
    return market.AsianHandicap(line=line.line, home=line.first, away=line.second, push=line.push)


def _both_to_score(markets: Markets) -> market.BothTeamsToScore:
    yes, no = markets.both_teams_to_score
    return market.BothTeamsToScore(yes=yes, no=no)


def _double_chance(markets: Markets) -> market.DoubleChance:
    home_or_draw, home_or_away, draw_or_away = markets.double_chance
    return market.DoubleChance(home_or_draw=home_or_draw, home_or_away=home_or_away, draw_or_away=draw_or_away)


def _draw_no_bet(markets: Markets) -> market.DrawNoBet:
    return market.DrawNoBet(home=markets.draw_no_bet[0], away=markets.draw_no_bet[1])


def _correct_score(markets: Markets) -> market.CorrectScore:
    scores = [market.ScoreChance(home=s.home, away=s.away, probability=s.probability) for s in markets.correct_score]
    return market.CorrectScore(scores=scores, other=markets.other_scores)


def _intervals(markets: Markets) -> market.Intervals:
    home, away, total = (
        market.GoalInterval(low=low, high=high)
        for low, high in (markets.goal_intervals[name] for name in ("home", "away", "total"))
    )
    return market.Intervals(coverage=markets.shape.interval_coverage, home=home, away=away, total=total)


def explanation_of(explanation: ForecastExplanation | None) -> why.Explanation | None:
    """Return why a forecast is what it is, as callers see it; None stays None."""
    if explanation is None:
        return None
    home, draw, away = explanation.base_proba
    usual = why.OutcomeProbabilities(home_win=home, draw=draw, away_win=away)
    return why.Explanation(
        base=why.ExplanationBase(log_odds=_log_odds(explanation.base), probability=usual),
        margin=_log_odds(explanation.margin),
        contributions=[_contribution(part) for part in explanation.contributions],
    )


def _contribution(part: Contribution) -> why.FeatureContribution:
    home, draw, away = part.proba
    return why.FeatureContribution(
        feature=part.feature,
        value=part.value,
        log_odds=_log_odds(part.log_odds),
        probability=why.ProbabilityParts(home_win=home, draw=draw, away_win=away),
    )


def _log_odds(numbers: OfOutcomes) -> why.OutcomeLogOdds:
    home, draw, away = numbers
    return why.OutcomeLogOdds(home_win=home, draw=draw, away_win=away)
