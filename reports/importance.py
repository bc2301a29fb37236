"""The section on what a saved model looks at: gain, parts in the answers, permutation and partial dependence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reports.forecast_plots import dependence_plot, importance_plot
from reports.page import Plot, Section, Table
from reports.wording import difference, number, share

FEATURES: Final = 15
_AID: Final = (
    "What the trees split on is not what wins matches, and of features that tell the same they pick one. A feature's part is "
    "what it moves in the pool's answers. What is lost without a module asks the results; what one module knows another may "
    "know, too, so that a small loss does not say it is useless."
)


@dataclass(frozen=True, slots=True)
class Importance:
    """Hold what the card of a saved model says of its features.

    Attributes:
        tag: Of the model.
        shares: Feature to its share of the trees' total gain, highest first.
        explanations: The card's ``explanations``; empty where the model was trained before there were any.
    """

    tag: str
    shares: Mapping[str, float]
    explanations: Mapping[str, Any] = field(default_factory=dict)


def importance(saved: Importance) -> Section:
    """Return the section of a saved model's importance."""
    told = saved.explanations
    return Section(
        anchor="importance",
        title="What the model looks at",
        aid=f"Of the saved model {saved.tag}, not of the fits behind the forecasts above. {_AID}",
        plots=[_gain(saved.shares), *([_parts(told)] if told else []), *_dependence(told.get("dependence", {}))],
        tables=[*([_permutation(told["permutation"])] if told.get("permutation") else []), *_numbers(told)],
    )


def _gain(shares: Mapping[str, float]) -> Plot:
    shown = _first(shares)
    drawing = importance_plot(shown, title="Share of the trees' total gain", name="importance")
    return Plot(drawing, f"The {len(shown)} features of the largest gain.")


def _parts(told: Mapping[str, Any]) -> Plot:
    drawing = importance_plot(_first(told["contributions"]), title="Probability that a feature moves", name="parts")
    return Plot(
        drawing,
        f"Mean over {told['matches']:,} matches of the last year learned from (Shapley values, half of their absolute sum).",
    )


def _dependence(told: Mapping[str, Any]) -> list[Plot]:
    return [
        Plot(dependence_plot(feature, curve, name=f"dependence-{place}"), "All else as it was in each match.")
        for place, (feature, curve) in enumerate(told.items())
    ]


def _permutation(told: Mapping[str, Any]) -> Table:
    return Table(
        "What is lost without a module: its features taken from another match, in the evaluation's forecasts (95 %)",
        ["module", "RPS", "log loss"],
        [[module, *(difference(lost[score]) for score in ("rps", "log_loss"))] for module, lost in told.items()],
    )


def _numbers(told: Mapping[str, Any]) -> list[Table]:
    return [
        Table(
            f"Partial dependence on {feature}",
            ["value", *(number(value, 2) for value in curve["values"])],
            [[outcome, *(share(p) for p in curve[outcome])] for outcome in ("home", "draw", "away")],
            is_folded=True,
        )
        for feature, curve in told.get("dependence", {}).items()
    ]


def _first(values: Mapping[str, float]) -> dict[str, float]:
    return dict(list(values.items())[:FEATURES])
