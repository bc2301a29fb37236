"""Loading a saved model: hold its bytes, have them vouched for, compare, unpickle, and make it prove itself.

Each file is read once, and no parser sees a byte before the guard has compared
all of them with what was signed. Nothing is unpickled before the metadata fits
this process, and nothing is served before the golden pairs agree.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import logging
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import xgboost

from features.transform import MatchFeatures
from models.boosted_trees import BoostedTrees
from models.ensemble import Ensemble
from models.forest import CannotCompile
from runners.arithmetic import arithmetic_of
from runners.artifact import Artifact
from runners.probing import SCORER_TOLERANCE, largest_difference
from runners.queries import ModelView
from runners.saved import BOOSTER, FACTS, OBJECTS, NotSaved, Saved, folder_of
from trust.errors import Untrusted
from trust.files import HeldFile, read_folder
from trust.guard import Guard

log = logging.getLogger("football.loading")

_SHOWN = 8


class ModelRefused(Exception):
    """Say which model is not served, and why; for the log and the operator, never for a caller."""

    advice = "Train it again with `football train`, or serve another."

    def __init__(self, tag: str, reasons: list[str]) -> None:
        shown = "; ".join(reasons[:_SHOWN]) + (f"; and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else "")
        super().__init__(f"Model {tag!r} is refused: {shown}. {self.advice}")
        self.tag = tag
        self.reasons = reasons


class ModelMissing(ModelRefused):
    """Say that the model store does not hold a model."""


class ModelUntrusted(ModelRefused):
    """Say that the bytes of a model are not those that somebody trusted has signed."""

    advice = "None of it was read. `football verify` says what of a bento is as it was signed."


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
    model: Ensemble
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


def load(tag: str, guard: Guard | None = None) -> LoadedModel:
    """Load one model of the BentoML model store by its full tag.

    Args:
        guard: Sees the bytes before anything else does; None believes them.

    Raises:
        ModelMissing: If the model store does not hold it.
        ModelUntrusted: If the guard does not let it pass.
        ModelRefused: If it does not fit this process, cannot be read, or answers otherwise than when saved.
    """
    folder, files = _held(tag, guard)
    saved, artifact = _told(tag, folder, files)
    if reasons := artifact.incompatibilities():
        raise ModelRefused(tag, reasons)
    features, model = _unpickle(saved, files)
    if wrong := _mismatches(tag, artifact, features, model):
        raise ModelRefused(tag, [f"golden check: {name} differ from what was saved" for name in wrong])
    compile_trees(tag, model)
    log.info("model loaded", extra={"model": tag})
    name, _, version = tag.partition(":")
    return LoadedModel(
        name=name,
        version=version,
        artifact=artifact,
        features=features,
        model=model,
        created_at=saved.created_at,
        size_bytes=sum(len(file.content) for file in files.values()),
        digest=_digest_of(files),
        arithmetic=arithmetic_of(features),
    )


def _held(tag: str, guard: Guard | None) -> tuple[Path, Mapping[str, HeldFile]]:
    """Return the folder and the files of a model, which are as they were signed where anybody signed them."""
    try:
        folder = folder_of(tag)
        files = read_folder(folder)
        _require(files, FACTS)
        if guard is not None:
            guard.check(tag, files)
        _require(files, OBJECTS, BOOSTER)
    except (NotSaved, FileNotFoundError) as error:
        raise ModelMissing(tag, [f"it is not in the model store ({error})"]) from error
    except Untrusted as error:
        raise ModelUntrusted(tag, error.reasons) from error
    except OSError as error:
        raise ModelRefused(tag, [f"it cannot be read: {error}"]) from error
    return folder, files


def _require(files: Mapping[str, HeldFile], *names: str) -> None:
    if missing := [name for name in names if name not in files]:
        raise NotSaved(f"{', '.join(missing)} is missing")


def _told(tag: str, folder: Path, files: Mapping[str, HeldFile]) -> tuple[Saved, Artifact]:
    """Return what a model says of itself, before any of it is unpickled."""
    try:
        saved = Saved.read(tag, folder, files[FACTS].content)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelRefused(tag, [f"what it says of itself cannot be read: {error}"]) from error
    try:
        return saved, Artifact.from_metadata(saved.metadata)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelRefused(tag, [f"its metadata cannot be read: {error}"]) from error


def _digest_of(files: Mapping[str, HeldFile]) -> str:
    """Return a digest of the names and bytes of a saved model's files."""
    listed = "".join(f"{path} {file.sha256}\n" for path, file in files.items())
    return hashlib.sha256(listed.encode()).hexdigest()


def _unpickle(saved: Saved, files: Mapping[str, HeldFile]) -> tuple[MatchFeatures, Ensemble]:
    try:
        objects = pickle.load(_InSteps(io.BytesIO(files[OBJECTS].content)))
        features, model = objects["features"], objects["model"]
        model.boosted.booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(files[BOOSTER].content))
        model.goals.unpack()
    except Exception as error:
        log.exception("model cannot be unpickled", extra={"model": saved.tag})
        raise ModelRefused(saved.tag, [f"it cannot be unpickled: {error}"]) from error
    return features, model


class _InSteps:
    """Read bytes through calls of Python.

    A pickle is read in frames of 64 kB; between two of them other threads get a
    turn, where reading from the bytes themselves would keep all of them waiting.
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


def compile_trees(tag: str, model: Ensemble) -> None:
    """Compile the trees of a model and compare them with XGBoost; trees that cannot be compiled are left to it.

    Raises:
        ModelRefused: If the two score any probing row differently.
    """
    boosted: list[BoostedTrees] = [model.boosted, *([] if model.goals.booster is None else [model.goals])]
    for one in boosted:
        try:
            one.compile()
        except CannotCompile as error:
            told = {"model": tag, "trees": one.name, "reason": str(error)}
            log.warning("trees are not compiled; few rows at a time take longer", extra=told)
            continue
        if (difference := largest_difference(one)) > SCORER_TOLERANCE:
            raise ModelRefused(tag, [f"its compiled trees ({one.name}) differ from XGBoost by {difference:.3g}"])


def _mismatches(tag: str, artifact: Artifact, features: MatchFeatures, model: Ensemble) -> list[str]:
    """Return the features, or the probabilities, that are not what they were when the model was saved."""
    try:
        return artifact.golden.mismatches(features, model)
    except Exception as error:
        log.exception("golden check failed", extra={"model": tag})
        raise ModelRefused(tag, [f"the golden check cannot be run: {error}"]) from error
