"""The served models by name, those that were refused, and further versions of the served ones.

A pinned version and a further one change places in one step, between two turns of the event loop.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from runners.errors import ModelNotFound, ModelUnavailable, ModelVersionNotFound
from runners.loading import LoadedModel, ModelRefused, load
from runners.queries import ModelView
from trust.guard import Guard

log = logging.getLogger("football.loading")

DEFAULT: Final = "default"


class Shelf:
    """Hold the pinned version of each served model; the first one also answers to the name ``default``.

    Further versions of these models come and go. They are found by name and
    version only, and are changed by the thread that looks them up only.

    Attributes:
        loaded: The pinned ones by name, in the order of serving.
        refused: Why a model is not served, by name.
        further: By name and version, the least recently used first.
        previous: The version of each name that was pinned before the one that is, where there was another.
    """

    def __init__(self, loaded: Sequence[LoadedModel], refused: dict[str, ModelRefused], names: Sequence[str]) -> None:
        self.loaded = {model.name: model for model in loaded}
        self.refused = refused
        self.further: OrderedDict[tuple[str, str], LoadedModel] = OrderedDict()
        self.previous: dict[str, LoadedModel] = {}
        self._default = names[0]
        self._views = {model.name: model.view() for model in loaded}

    @classmethod
    def load(cls, tags: dict[str, str], guard: Guard | None = None) -> Shelf:
        """Load models by tag, given by name; one that is refused is logged and leaves the others alone."""
        loaded, refused = [], {}
        for name, tag in tags.items():
            try:
                loaded.append(load(tag, guard))
            except ModelRefused as refusal:
                log.error("model refused", extra={"model": tag, "reasons": refusal.reasons})  # noqa: TRY400 - a refusal is no crash
                refused[name] = refusal
        return cls(loaded, refused, list(tags))

    @property
    def default(self) -> LoadedModel | None:
        """Return the pinned version of the first model that was not refused; None if all were."""
        return next(iter(self.loaded.values()), None)

    def views(self) -> list[ModelView]:
        """Return the served models as callers see them, the default one first."""
        return list(self._views.values())

    def view(self, name: str) -> ModelView:
        """Return one served model as callers see it. Raises ModelNotFound, ModelUnavailable."""
        return self._views[self.find(name).name]

    def find(self, name: str, version: str | None = None) -> LoadedModel:
        """Return a served model: the pinned version, or the further one that is asked for.

        Raises:
            ModelNotFound: If no served or refused model has that name.
            ModelUnavailable: If the model was refused.
            ModelVersionNotFound: If only other versions of it are loaded.
        """
        wanted = self._default if name == DEFAULT else name
        if wanted in self.refused:
            raise ModelUnavailable(
                f"Model {name!r} cannot answer now. Ask again later, or ask another model.", path="$.model_name"
            )
        model = self.loaded.get(wanted)
        if model is None:
            raise ModelNotFound(name, [*self.loaded, *self.refused])
        return model if version is None or version == model.version else self._further(model, name, version)

    def put(self, model: LoadedModel) -> None:
        """Have a further version found, as the most recently used one."""
        self.further[model.name, model.version] = model

    def promote(self, model: LoadedModel) -> LoadedModel:
        """Pin a further version in one step; the one that was pinned is found as a further version, and returned."""
        before = self.loaded[model.name]
        view = model.view()
        self.take_off(model)
        self.put(before)
        self.loaded[model.name], self._views[model.name] = model, view
        self.previous[model.name] = before
        return before

    def take_off(self, model: LoadedModel) -> None:
        """Have a further version found no more."""
        del self.further[model.name, model.version]

    def _further(self, pinned: LoadedModel, name: str, version: str) -> LoadedModel:
        found = self.further.get((pinned.name, version))
        if found is None:
            others = sorted(other for of, other in self.further if of == pinned.name)
            raise ModelVersionNotFound(name, version, [pinned.version, *others])
        self.further.move_to_end((pinned.name, version))
        return found
