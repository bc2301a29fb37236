"""Which choices a model is trained with, and where they come from: the defaults, or a selection that promoted others.

The card of a saved model holds both. Training again goes on with what the newest model was trained with, so a
promotion lasts until another one, or until somebody asks for the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import bentoml
from bentoml.exceptions import NotFound

from models.choices import Choices, ChoicesInvalid

DEFAULTS: Final = "defaults"
SELECTION: Final = "selection"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Hold choices and the evidence by which they were promoted.

    Attributes:
        selection: What ``training.selection`` decided and why, plain data; None for choices that nobody selected.
    """

    choices: Choices = field(default_factory=Choices)
    selection: Mapping[str, Any] | None = None

    @property
    def origin(self) -> str:
        """Return where the choices come from: ``"defaults"`` or ``"selection"``."""
        return DEFAULTS if self.selection is None else SELECTION

    def to_plain(self) -> dict[str, Any]:
        """Return the configuration as plain data for the model card."""
        selection = {} if self.selection is None else {SELECTION: dict(self.selection)}
        return {"origin": self.origin, "choices": self.choices.to_plain(), **selection}

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> Self:
        """Return what a model card says it was trained with; cards of before there were choices mean the defaults.

        Raises:
            ChoicesInvalid: If this program has no such choices.
        """
        told = card.get("configuration")
        return cls() if told is None else cls(Choices.from_plain(told["choices"]), told.get(SELECTION))


def newest_configuration(name: str) -> tuple[Configuration, str | None]:
    """Return what the newest saved model of a name was trained with, and its tag; the defaults and None without one.

    Raises:
        ChoicesInvalid: If it was trained with choices that this program does not have.
    """
    try:
        newest = bentoml.models.get(name)
    except (NotFound, ValueError):  # ValueError: no name of a model, which the save will say better
        return Configuration(), None
    metadata: Mapping[str, Any] = newest.info.metadata
    try:
        return Configuration.of_card(metadata.get("card", {})), str(newest.tag)
    except (ChoicesInvalid, KeyError, TypeError) as error:
        raise ChoicesInvalid(
            f"{newest.tag} was trained with choices that cannot be read ({error}). "
            "Train with the defaults: football train --default-choices"
        ) from error
