"""Who vouches for a saved model: the manifest of the bento that is served, or of another signed one."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from trust.envelope import MANIFEST_FILE
from trust.errors import Untrusted
from trust.files import HeldFile, differences
from trust.manifest import Manifest, SignedFile
from trust.policy import Policy

log = logging.getLogger("football.trust")


class ServedBento(NamedTuple):
    """Hold what is served.

    Attributes:
        models: Full tags of the models that it serves; only its own manifest vouches for these.
    """

    tag: str
    folder: Path
    models: Collection[str]


class Guard:
    """Compare the bytes of saved models with what was signed, before anything reads them.

    Args:
        policy: Whom to believe.
        bentos: The folder of BentoML's bento store; a signed bento in it vouches for the models that it pins.
        served: The bento that is served, where one is.
    """

    def __init__(self, policy: Policy, *, bentos: Path, served: ServedBento | None = None) -> None:
        self._policy, self._bentos, self._served = policy, bentos, served

    def check(self, tag: str, files: Mapping[str, HeldFile]) -> None:
        """Compare the files of a model with what was signed; a model that nobody signed is let pass unless that is required.

        Raises:
            Untrusted: If the model is not to be loaded.
        """
        served = self._served
        is_pinned = served is not None and tag in served.models
        signed = self._signed_of(served, tag) if served is not None and is_pinned else self._anywhere(tag)
        if not signed:
            log.info("model is not signed; trust.required would refuse it", extra={"model": tag})
            return
        found = [differences(files, one) for one in signed]
        if all(found):
            raise Untrusted(found[0])
        log.info("model is as it was signed", extra={"model": tag})

    def _signed_of(self, served: ServedBento, tag: str) -> Sequence[Mapping[str, SignedFile]]:
        believed = self._policy.manifest_of(served.folder, served.tag)
        if believed is None:
            if self._policy.is_required:
                raise Untrusted([f"bento {served.tag} is not signed; sign what is built: football keys init"])
            return []
        signed = believed.manifest.of_model(tag)
        if signed is None:
            raise Untrusted([f"bento {served.tag} was signed without this model"])
        return [signed]

    def _anywhere(self, tag: str) -> Sequence[Mapping[str, SignedFile]]:
        """Return what each believed manifest of the bento store says of a model, the newest first."""
        believed = sorted(self._manifests(), key=lambda manifest: manifest.sequence, reverse=True)
        signed = [files for manifest in believed if (files := manifest.of_model(tag)) is not None]
        if not signed and self._policy.is_required:
            raise Untrusted([f"no signed bento in {self._bentos} that is believed vouches for it"])
        return signed

    def _manifests(self) -> Iterator[Manifest]:
        for file in self._bentos.glob(f"*/*/{MANIFEST_FILE}"):
            bento = f"{file.parts[-3]}:{file.parts[-2]}"
            try:
                believed = self._policy.manifest_of(file.parent, bento)
            except (Untrusted, OSError) as refusal:
                log.info("a manifest is not believed", extra={"bento": bento, "reason": str(refusal)})
                continue
            if believed is not None:
                yield believed.manifest
