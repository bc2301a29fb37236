"""Strengths from their formulas in plain Python: one match, one club, one number at a time.

Shares no code with features/, and finds the mode another way, by bisection of
each side in turn. For worlds in which no club plays twice in a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, isnan, sqrt

START_VARIANCE, START_CORRELATION, NEWCOMER_DEFICIT, LEVEL_STEP, MEAN_STEP = 0.116, 0.6, 0.05, 0.3, 0.005
DRIFT_A_DAY, DRIFT_A_SUMMER, DRIFT_CORRELATION = 7.7e-5, 0.009, 0.84
DRIFTS = {"goals": 4e-6, "home": 1e-6, "world": 1e-5}


@dataclass
class Club:
    """Means and covariance matrix of (attack, defence), and when they held."""

    attack: float
    defence: float
    covariance: list[list[float]]
    day: int | None = None
    season: str | None = None


@dataclass
class Known:
    """One number with its variance."""

    mean: float
    variance: float
    day: int | None = None

    def variance_on(self, day, drift):
        return self.variance + (0.0 if self.day is None else drift * (day - self.day))


@dataclass
class Competition:
    mean: float
    goals: Known = field(default_factory=lambda: Known(0.28, 0.02))
    home: Known = field(default_factory=lambda: Known(0.26, 0.01))


@dataclass
class Match:
    """One row of a match table."""

    day: int
    competition: str
    level: float
    season: str
    home: str
    away: str
    at_home: float
    goals: tuple[float, float]
    xg: tuple[float, float]


class PlainStrengths:
    """The family with one weight of xG."""

    def __init__(self, xg_weight):
        self.xg_weight = xg_weight
        self.clubs, self.competitions = {}, {}
        self.world = Known(0.0, 0.01)

    def describe(self, match):
        home, away = self.club(match.home, match), self.club(match.away, match)
        mean, v = self.expected(home, away, match)
        return {
            "attack_home": exp(home.attack), "attack_away": exp(away.attack),
            "defence_home": exp(-home.defence), "defence_away": exp(-away.defence),
            "expected_home": exp(mean[0] + v[0][0] / 2), "expected_away": exp(mean[1] + v[1][1] / 2),
            "doubt_home": sqrt(v[0][0]), "doubt_away": sqrt(v[1][1]),
        }  # fmt: skip

    def learn(self, matches):
        """One day's matches, each against what was known in the morning."""
        told = [self.told(match) for match in matches]
        moved = [self.moved(match, *said) for match, said in zip(matches, told, strict=True)]
        self.learn_bases(matches, told)
        pulls = {}
        for match, (home, away) in zip(matches, moved, strict=True):
            self.clubs[match.home], self.clubs[match.away] = home, away
            if not isnan(match.level):
                strength = (home.attack + home.defence + away.attack + away.defence) / 4
                pulls.setdefault(match.competition, []).append(strength - self.competitions[match.competition].mean)
        for name, pull in pulls.items():
            self.competitions[name].mean += MEAN_STEP * sum(pull)

    def competition(self, match):
        founding = 0.0 if isnan(match.level) else -LEVEL_STEP * (match.level - 1)
        return self.competitions.get(match.competition) or Competition(founding)

    def club(self, name, match):
        """A club on the day of a match."""
        if name not in self.clubs:
            v, mean = START_VARIANCE, self.competition(match).mean - NEWCOMER_DEFICIT
            return Club(mean, mean, [[v, START_CORRELATION * v], [START_CORRELATION * v, v]])
        club = self.clubs[name]
        is_later_season = not isnan(match.level) and club.season not in {None, match.season}
        drift = DRIFT_A_DAY * (match.day - club.day) + (DRIFT_A_SUMMER if is_later_season else 0.0)
        (a, c), (_, d) = club.covariance
        c += DRIFT_CORRELATION * drift
        return Club(club.attack, club.defence, [[a + drift, c], [c, d + drift]], club.day, club.season)

    def bases(self, match):
        """Goals, own home advantage and the world's, each with its variance on the day."""
        competition = self.competition(match)
        parts = (competition.goals, "goals"), (competition.home, "home"), (self.world, "world")
        return [(known.mean, known.variance_on(match.day, DRIFTS[name])) for known, name in parts]

    def expected(self, home, away, match):
        """Means and covariance matrix of (log home goals, log away goals), by summing over what they are made of."""
        (goals, goals_v), (own, own_v), (world, world_v) = self.bases(match)
        advantage = match.at_home * (own + world)
        mean = [goals + advantage / 2 + home.attack - away.defence, goals - advantage / 2 + away.attack - home.defence]
        v = [[0.0, 0.0], [0.0, 0.0]]
        half = match.at_home / 2
        parts = [
            ([[1, 0], [0, -1]], home.covariance),
            ([[0, -1], [1, 0]], away.covariance),
            ([[1], [1]], [[goals_v]]),
            ([[half], [-half]], [[own_v]]),
            ([[half], [-half]], [[world_v]]),
        ]
        for loading, covariance in parts:
            for i in range(2):
                for j in range(2):
                    for k, left in enumerate(loading[i]):
                        for m, right in enumerate(loading[j]):
                            v[i][j] += left * covariance[k][m] * right
        return mean, v

    def told(self, match):
        """Slopes at the posterior mode, and (W^-1 + V)^-1."""
        mean, v = self.expected(self.club(match.home, match), self.club(match.away, match), match)
        known = [not isnan(xg) for xg in match.xg]
        w = self.xg_weight
        scored = [(1 - w) * g + w * xg if k else g for g, xg, k in zip(match.goals, match.xg, known, strict=True)]
        dispersion = 0.9 if all(known) and w > 0 else 3.9
        slopes = slopes_at_mode(mean, v, scored, dispersion)
        goals = [score - dispersion * slope for score, slope in zip(scored, slopes, strict=True)]
        return slopes, inverse([[dispersion / goals[0] + v[0][0], v[0][1]], [v[1][0], dispersion / goals[1] + v[1][1]]])

    def moved(self, match, slopes, weight):
        home, away = self.club(match.home, match), self.club(match.away, match)
        return conditioned(home, slopes, weight, match), conditioned(
            away, slopes[::-1], [row[::-1] for row in weight[::-1]], match
        )

    def learn_bases(self, matches, told):
        """Information adds up over the day; the slopes move the mean by the variance that is left."""
        sums = {}
        for match, (slopes, weight) in zip(matches, told, strict=True):
            competition = self.competitions.setdefault(match.competition, self.competition(match))
            half, ones = match.at_home / 2, (1.0, 1.0)
            for known, name, loading in (
                (competition.goals, "goals", ones),
                (competition.home, "home", (half, -half)),
                (self.world, "world", (half, -half)),
            ):
                slope = sum(x * s for x, s in zip(loading, slopes, strict=True))
                information = sum(loading[i] * weight[i][j] * loading[j] for i in range(2) for j in range(2))
                entry = sums.setdefault(id(known), [known, name, 0.0, 0.0])
                entry[2] += slope
                entry[3] += information
        for known, name, slope, information in sums.values():
            variance = known.variance_on(matches[0].day, DRIFTS[name])
            known.variance, known.day = 1 / (1 / variance + information), matches[0].day
            known.mean += known.variance * slope


def conditioned(club, slopes, weight, match):
    """A club after a match; the slopes are of its own goals and of the other side's."""
    c = club.covariance
    gain = [[c[i][0], -c[i][1]] for i in range(2)]  # covariance of (attack, defence) with both log goals
    moved = [sum(gain[i][k] * slopes[k] for k in range(2)) for i in range(2)]
    covariance = [
        [
            c[i][j] - sum(gain[i][k] * weight[k][m] * gain[j][m] for k in range(2) for m in range(2))
            for j in range(2)
        ]
        for i in range(2)
    ]  # fmt: skip
    season = club.season if isnan(match.level) else match.season
    return Club(club.attack + moved[0], club.defence + moved[1], covariance, match.day, season)


def slopes_at_mode(mean, v, scored, dispersion):
    """Slopes of the log-likelihood where they balance the prior: ascend one side at a time until nothing moves."""
    precision, shift = inverse(v), [0.0, 0.0]
    for _ in range(400):
        before = list(shift)
        for i in range(2):
            shift[i] = balanced(i, shift, precision, mean, scored, dispersion)
        if max(abs(a - b) for a, b in zip(before, shift, strict=True)) < 1e-16:
            break
    return [(scored[i] - exp(mean[i] + shift[i])) / dispersion for i in range(2)]


def balanced(i, shift, precision, mean, scored, dispersion):
    """The shift of one side at which the posterior's slope is nil, by bisection."""
    low, high = -20.0, 20.0
    for _ in range(100):
        middle = (low + high) / 2
        pull = precision[i][i] * middle + precision[i][1 - i] * shift[1 - i]
        if (scored[i] - exp(mean[i] + middle)) / dispersion > pull:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def inverse(m):
    determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0]
    return [[m[1][1] / determinant, -m[0][1] / determinant], [-m[1][0] / determinant, m[0][0] / determinant]]
