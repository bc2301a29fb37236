"""Loading a saved model: read what it says of itself, compare, unpickle, and make it prove itself.

Nothing is unpickled before the metadata fits this process, and nothing is
served before the golden pairs agree.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import pickle
import re
from dataclasses import dataclass
from typing import BinaryIO, Final

import bentoml
import bentoml.xgboost
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml.exceptions import BentoMLException

from features.transform import MatchFeatures
from models.boosted import BoostedOutcome
from models.forest import CannotCompile
from runners.arithmetic import arithmetic_of
from runners.artifact import Artifact
from runners.probing import SCORER_TOLERANCE, largest_difference
from runners.queries import ModelView

log = logging.getLogger("football.loading")

_SHOWN = 8
_VERSION: Final = re.compile(r"[a-z0-9](?:[-._a-z0-9]{0,61}[a-z0-9])?")  # as BentoML writes the versions of its tags
_NO_VERSION: Final = "latest"  # which BentoML reads as whatever is newest


class ModelRefused(Exception):
    """Say which model is not served, and why; for the log and the operator, never for a caller."""

    def __init__(self, tag: str, reasons: list[str]) -> None:
        shown = "; ".join(reasons[:_SHOWN]) + (f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else "")
        super().__init__(f"Model {tag!r} is refused: {shown}. Train it again with `football train`, or serve another.")
        self.tag = tag
        self.reasons = reasons


class ModelMissing(ModelRefused):
    """Say that the model store does not hold a model."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Hold a model that has proved itself.

    Attributes:
        features: The feature transform at the training cut-off; never moved, only copied.
        model: Ready to forecast; its trees run on one thread.
        digest: Of all files of the saved model.
        arithmetic: Digest of the code of ``features``; models that share it see the same in the same matches.
    """

    name: str
    version: str
    artifact: Artifact
    features: MatchFeatures
    model: BoostedOutcome
    created_at: dt.datetime
    size_bytes: int
    digest: str
    arithmetic: str

    @property
    def tag(self) -> str:
        """Return name and version, as the model store writes them."""
        return f"{self.name}:{self.version}"

    def view(self) -> ModelView:
        """Return the model as callers see it."""
        artifact = self.artifact
        evaluation = artifact.card.get("evaluation", {})
        return ModelView(
            name=self.name,
            version=self.version,
            model_type=artifact.model_type,
            created_at=self.created_at,
            trained_until=artifact.trained_until,
            size_bytes=self.size_bytes,
            features=tuple(artifact.feature_names),
            metrics=evaluation.get("scores", {}).get(artifact.model_type, {}),
            importance=self.model.importance(),
            card=artifact.card,
        )


def load(tag: str) -> LoadedModel:
    """Load one model of the BentoML model store by its full tag.

    Raises:
        ModelMissing: If the model store does not hold it.
        ModelRefused: If it does not fit this process, cannot be read, or answers otherwise than when saved.
    """
    stored = _stored(tag)
    artifact = _artifact(stored)
    if reasons := artifact.incompatibilities():
        raise ModelRefused(str(stored.tag), reasons)
    features, model = _unpickle(stored)
    if wrong := _mismatches(stored, artifact, features, model):
        raise ModelRefused(str(stored.tag), [f"golden check: {name} differ from what was saved" for name in wrong])
    compile_trees(str(stored.tag), model)
    log.info("model loaded", extra={"model": str(stored.tag)})
    return LoadedModel(
        name=stored.tag.name,
        version=str(stored.tag.version),
        artifact=artifact,
        features=features,
        model=model,
        created_at=stored.info.creation_time,
        size_bytes=size_of(stored),
        digest=digest_of(stored),
        arithmetic=arithmetic_of(features),
    )


def is_stored(name: str, version: str) -> bool:
    """Return whether the model store holds exactly that version; a word such as ``latest`` is none.

    Reads no file, so that the event loop may ask. ``name`` must be one that is served.
    """
    if version == _NO_VERSION or not _VERSION.fullmatch(version):
        return False
    folder = BentoMLContainer.model_store.get()._path  # noqa: SLF001 - asking BentoML itself would read the model's file
    try:
        return bool((folder / name / version / "model.yaml").is_file())
    except OSError:
        return False


def size_of(stored: bentoml.Model) -> int:
    """Return the bytes that a saved model takes on disk."""
    return sum(file.stat().st_size for file in stored._path.rglob("*") if file.is_file())  # noqa: SLF001 - no public way to its folder


def digest_of(stored: bentoml.Model) -> str:
    """Return a digest of the names and bytes of a saved model's files."""
    digest = hashlib.sha256()
    folder = stored._path  # noqa: SLF001 - no public way to its folder
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder)} {content}\n".encode())
    return digest.hexdigest()


def _stored(tag: str) -> bentoml.Model:
    try:
        stored = bentoml.models.get(tag)
    except BentoMLException as error:
        raise ModelMissing(tag, [f"it is not in the model store ({error})"]) from error
    if str(stored.tag) != tag:  # BentoML answers the beginning of a version with the one version that begins so
        raise ModelMissing(tag, [f"it is not in the model store, which has {stored.tag}"])
    return stored


def _artifact(stored: bentoml.Model) -> Artifact:
    try:
        return Artifact.from_metadata(stored.info.metadata)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelRefused(str(stored.tag), [f"its metadata cannot be read: {error}"]) from error


def _unpickle(stored: bentoml.Model) -> tuple[MatchFeatures, BoostedOutcome]:
    try:
        with (stored._path / "custom_objects.pkl").open("rb") as file:  # noqa: SLF001 - no public way to its folder
            objects = pickle.load(_InSteps(file))
        features, model = objects["features"], objects["model"]
        model.booster = bentoml.xgboost.load_model(stored)
        model.booster.set_param({"nthread": 1})
    except Exception as error:
        log.exception("model cannot be unpickled", extra={"model": str(stored.tag)})
        raise ModelRefused(str(stored.tag), [f"it cannot be unpickled: {error}"]) from error
    return features, model


class _InSteps:
    """Read a file through calls of Python.

    A pickle is read in frames of 64 kB; between two of them other threads get a
    turn, where reading from the file itself would keep all of them waiting.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes."""
        return self._file.read(size)

    def readline(self) -> bytes:
        """Return a line."""
        return self._file.readline()

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; return the number of bytes."""
        read: int = self._file.readinto(buffer)  # type: ignore[attr-defined]  # a file opened for bytes has it
        return read


def compile_trees(tag: str, model: BoostedOutcome) -> None:
    """Compile the trees of a model and compare them with XGBoost; trees that cannot be compiled are left to it.

    Raises:
        ModelRefused: If the two score any probing row differently.
    """
    try:
        model.compile()
    except CannotCompile as error:
        log.warning(
            "trees are not compiled; few rows at a time take longer", extra={"model": tag, "reason": str(error)}
        )
        return
    if (difference := largest_difference(model)) > SCORER_TOLERANCE:
        raise ModelRefused(tag, [f"its compiled trees differ from XGBoost by {difference:.3g} in log-odds"])


def _mismatches(stored: bentoml.Model, artifact: Artifact, features: MatchFeatures, model: BoostedOutcome) -> list[str]:
    """Return the features, or the probabilities, that are not what they were when the model was saved."""
    try:
        return artifact.golden.mismatches(features, model)
    except Exception as error:
        log.exception("golden check failed", extra={"model": str(stored.tag)})
        raise ModelRefused(str(stored.tag), [f"the golden check cannot be run: {error}"]) from error
