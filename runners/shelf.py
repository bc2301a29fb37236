"""The served models by name, and those that were refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from runners.errors import ModelNotFound, ModelUnavailable, ModelVersionNotFound
from runners.loading import LoadedModel, ModelRefused, load
from runners.queries import ModelView

log = logging.getLogger("football.loading")

DEFAULT: Final = "default"


class Shelf:
    """Hold one version of each served model; the first one also answers to the name ``default``.

    Attributes:
        loaded: By name, in the order of serving.
        refused: Why a model is not served, by name.
    """

    def __init__(self, loaded: Sequence[LoadedModel], refused: dict[str, ModelRefused], names: Sequence[str]) -> None:
        self.loaded = {model.name: model for model in loaded}
        self.refused = refused
        self._default = names[0]
        self._views = {model.name: model.view() for model in loaded}

    @classmethod
    def load(cls, tags: dict[str, str]) -> Shelf:
        """Load models by tag, given by name; one that is refused is logged and leaves the others alone."""
        loaded, refused = [], {}
        for name, tag in tags.items():
            try:
                loaded.append(load(tag))
            except ModelRefused as refusal:
                log.error("model refused", extra={"model": tag, "reasons": refusal.reasons})  # noqa: TRY400 - a refusal is no crash
                refused[name] = refusal
        return cls(loaded, refused, list(tags))

    def views(self) -> list[ModelView]:
        """Return the served models as callers see them, the default one first."""
        return list(self._views.values())

    def view(self, name: str) -> ModelView:
        """Return one served model as callers see it. Raises ModelNotFound, ModelUnavailable."""
        return self._views[self.find(name).name]

    def find(self, name: str, version: str | None = None) -> LoadedModel:
        """Return a served model.

        Raises:
            ModelNotFound: If no served or refused model has that name.
            ModelUnavailable: If the model was refused.
            ModelVersionNotFound: If another version of it is served.
        """
        wanted = self._default if name == DEFAULT else name
        if wanted in self.refused:
            raise ModelUnavailable(
                f"Model {name!r} cannot answer now. Ask again later, or ask another model.", path="$.model_name"
            )
        model = self.loaded.get(wanted)
        if model is None:
            raise ModelNotFound(name, [*self.loaded, *self.refused])
        if version not in {None, model.version}:
            raise ModelVersionNotFound(name, str(version), [model.version])
        return model
