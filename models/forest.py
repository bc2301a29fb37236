"""Boosted trees compiled to bit vectors: the same margins as XGBoost's, bit for bit, in a dozen numpy calls.

XGBoost walks each tree of each row, and its call alone costs 200 us. Here a
tree is never walked: every split whose answer is "right" rules out the leaves
on its left, and the leaf a row falls into is the first one that no split rules
out (QuickScorer, Lucchese et al., SIGIR 2015). For each feature the trees'
verdicts on each interval between its thresholds are tabled once, so scoring is
one binary search a feature and a bitwise "and" over the features.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, NamedTuple, Self

import numpy as np
import xgboost
from numpy.typing import NDArray

MOST_LEAVES: Final = 64
_WORDS: Final = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}
_BYTE: Final = 8
_BYTES_IN_STEP: Final = 8  # the "and" works on 64 bits at a time
_NAME: Final = "gbtree"
_TREES: Final = '"trees":['
_MISSING: Final = 0xFFFFFFFF  # greater than the key of any number


class CannotCompile(ValueError):
    """Say why trees cannot be compiled; XGBoost itself must score them."""


class _Split(NamedTuple):
    """Hold one inner node: the feature and threshold it asks for, and the leaves that remain if the answer is "right"."""

    feature: int
    threshold: np.float32
    tree: int
    remaining: int
    is_left_when_missing: bool


@dataclass(frozen=True, slots=True)
class Forest:
    """Hold compiled trees. Made by ``compiled``; never changed.

    Attributes:
        features: Columns that any tree asks for, ascending. Shape (f,).
        keys: Each feature's thresholds, and behind them one key for a missing value, as ascending integers: the place
            of the feature in the upper half, the threshold in the lower. Shape (k,).
        remaining: For each interval between keys the leaves of all trees that are not ruled out, as bits packed into
            64-bit steps. Shape (k + f, steps).
        leaf_values: Of each tree, trees ordered by outcome. Where a word has 8 bits, for each of its 256 states; else for
            each leaf. Shape (trees, states).
        word: Bits of a tree.
        outcomes: Groups of trees; each has as many, trees that give nothing make up the number.
    """

    features: NDArray[np.intp]
    keys: NDArray[np.int64]
    remaining: NDArray[np.uint64]
    leaf_values: NDArray[np.float32]
    word: int
    outcomes: int

    @classmethod
    def compiled(cls, booster: xgboost.Booster) -> Self:
        """Compile a booster of ``gbtree`` whose trees have up to 64 leaves. Raises CannotCompile for any other."""
        learner = _read(bytes(booster.save_raw(raw_format="json")).decode())["learner"]
        if learner["gradient_booster"]["name"] != _NAME:
            raise CannotCompile(f"the booster is a {learner['gradient_booster']['name']}, expected gbtree")
        outcomes = max(1, int(learner["learner_model_param"]["num_class"]))
        model = learner["gradient_booster"]["model"]
        ordered = _by_outcome(model["trees"], model["tree_info"], outcomes)
        leaves = max((len(tree["left_children"]) + 1) // 2 for tree in ordered)
        if leaves > MOST_LEAVES:
            raise CannotCompile(f"a tree has {leaves} leaves, expected at most {MOST_LEAVES}")
        word = min(size for size in _WORDS if size >= leaves)
        values = np.zeros((len(ordered), word), dtype=np.float32)
        splits = [split for number, tree in enumerate(ordered) for split in _splits(tree, number, values[number])]
        features = sorted({split.feature for split in splits})
        keys, remaining = _tabled(splits, features, len(ordered), word)
        if word == _BYTE:
            values = np.take(values, _FIRST_BIT_OF_BYTE, axis=1)
        return cls(np.array(features, dtype=np.intp), keys, remaining, values, word, outcomes)

    def margins(self, values: NDArray[Any], base_margin: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return log-odds up to a constant, as ``Booster.inplace_predict(..., predict_type="margin")`` gives them.

        Args:
            values: All features in the order of the booster; NaN where missing. Shape (n, features of the booster).
            base_margin: What the trees add to. Shape (n, outcomes).

        Returns:
            Shape (n, outcomes); the same bits as XGBoost's, which adds single-precision leaves tree by tree.
        """
        trees, states = self.leaf_values.shape
        masks = np.bitwise_and.reduce(self.remaining[self._intervals(values)], axis=1)
        words = masks.view(_WORDS[self.word])[:, :trees]
        place = (words if self.word == _BYTE else _first_bit(words)) + np.arange(0, trees * states, states)
        gained = self.leaf_values.ravel()[place].reshape(len(values), self.outcomes, -1)
        added = np.concatenate([base_margin[:, :, None], gained], axis=2)
        margins: NDArray[np.float32] = np.add.accumulate(added, axis=2)[:, :, -1]
        return margins

    def thresholds(self) -> dict[int, NDArray[np.float32]]:
        """Return by column the values at which any tree decides otherwise, ascending."""
        below = (self.keys & 0xFFFFFFFF) - 0x80000000
        bits = np.where(below < 0, below ^ 0x7FFFFFFF, below).astype(np.int32)
        is_number = self.keys & 0xFFFFFFFF != _MISSING
        place = self.keys >> 32
        return {
            int(column): bits[is_number & (place == number)].view(np.float32)
            for number, column in enumerate(self.features)
        }

    def _intervals(self, values: NDArray[Any]) -> NDArray[np.intp]:
        """Return for each row and feature the row of ``remaining`` that its value falls into. Shape (n, f)."""
        place = np.arange(len(self.features))
        keys = _keys(values[:, self.features], place)
        # Each feature has one interval more than it has keys, so intervals run ahead by one a feature.
        intervals: NDArray[np.intp] = np.searchsorted(self.keys, keys.ravel(), side="right").reshape(keys.shape) + place
        return intervals


def _keys(values: NDArray[Any], place: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return integers that order as (place, value) does; a missing value comes behind all others of its place."""
    single = values.astype(np.float32) + np.float32(0.0)  # which turns -0 into 0; they are equal to a split
    bits = single.view(np.int32)
    # Negative floats have descending bits, so theirs are turned round; then all are moved above 0.
    keys = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits).astype(np.int64) + 0x80000000
    keys[np.isnan(single)] = _MISSING
    keys += place << 32
    return keys


def _first_bit(words: NDArray[Any]) -> NDArray[np.intp]:
    """Return the place of the lowest bit of each word."""
    lowest = words & (~words + words.dtype.type(1))
    exponents: NDArray[np.intp] = np.frexp(lowest.astype(np.float64))[1].astype(np.intp) - 1
    return exponents


_FIRST_BIT_OF_BYTE: Final = np.array([0, *((byte & -byte).bit_length() - 1 for byte in range(1, 256))], dtype=np.intp)


def _read(text: str) -> Any:
    """Return a saved booster; its trees are decoded one by one, so that other threads get a turn in between."""
    decode = json.JSONDecoder().raw_decode
    if _TREES not in text:
        return json.loads(text)
    start = end = text.index(_TREES) + len(_TREES)
    trees = []
    while text[end] == "{":
        tree, end = decode(text, end)
        trees.append(tree)
        end += text[end] == ","
    read = json.loads(text[:start] + text[end:])
    booster = read["learner"]["gradient_booster"]
    if booster["name"] == _NAME:
        booster["model"]["trees"] = trees
    return read


def _by_outcome(trees: list[Any], outcome_of_tree: list[int], outcomes: int) -> list[Any]:
    """Return the trees of outcome 0, then those of outcome 1 and so on, each in the order of training, equally many."""
    groups: list[list[Any]] = [[] for _ in range(outcomes)]
    for tree, outcome in zip(trees, outcome_of_tree, strict=True):
        groups[outcome].append(tree)
    most = max(len(group) for group in groups)
    return [tree for group in groups for tree in (*group, *[_GIVES_NOTHING] * (most - len(group)))]


_GIVES_NOTHING: Final[Mapping[str, Any]] = {
    "left_children": [-1],
    "right_children": [-1],
    "split_indices": [0],
    "split_conditions": [0.0],
    "default_left": [0],
    "split_type": [0],
}


def _splits(tree: Mapping[str, Any], number: int, values: NDArray[np.float32]) -> list[_Split]:
    """Return the splits of a tree and write its leaves' values from left to right."""
    if any(tree["split_type"]):
        raise CannotCompile(f"tree {number} splits by category, expected numeric features")
    found: list[_Split] = []
    _descend(tree, number, 0, count(), values, found)
    return found


def _descend(
    tree: Mapping[str, Any],
    number: int,
    node: int,
    leaves: Iterator[int],
    values: NDArray[np.float32],
    found: list[_Split],
) -> int:
    """Note the splits and the leaves' values below a node; return these leaves as bits.

    A function within ``_splits`` would refer to itself, and keep the tree until a garbage collection.
    """
    if tree["left_children"][node] == -1:
        leaf = next(leaves)
        values[leaf] = tree["split_conditions"][node]
        return 1 << leaf
    on_left = _descend(tree, number, tree["left_children"][node], leaves, values, found)
    on_right = _descend(tree, number, tree["right_children"][node], leaves, values, found)
    found.append(
        _Split(
            feature=tree["split_indices"][node],
            threshold=np.float32(tree["split_conditions"][node]),
            tree=number,
            remaining=~on_left,
            is_left_when_missing=bool(tree["default_left"][node]),
        )
    )
    return on_left | on_right


def _tabled(
    splits: list[_Split], features: list[int], trees: int, word: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the keys of all features, and the leaves that remain in each interval between them."""
    full = (1 << word) - 1
    padded = -(-trees * word // 8 // _BYTES_IN_STEP) * _BYTES_IN_STEP * 8 // word
    keys: list[NDArray[np.int64]] = []
    table: list[NDArray[Any]] = []
    for place, feature in enumerate(features):
        asking = [split for split in splits if split.feature == feature]
        thresholds = sorted({split.threshold for split in asking})
        keys.append(_keys(np.array([[*thresholds, np.nan]], dtype=np.float64).T, np.array([place]))[:, 0])
        remaining = np.full(padded, full, dtype=_WORDS[word])
        table.append(remaining.copy())
        for threshold in thresholds:
            _rule_out(remaining, [split for split in asking if split.threshold == threshold], full)
            table.append(remaining.copy())
        missing = np.full(padded, full, dtype=_WORDS[word])
        _rule_out(missing, [split for split in asking if not split.is_left_when_missing], full)
        table.append(missing)
    if not features:  # no tree asks for anything, so every row falls into the first leaf of each
        return np.empty(0, dtype=np.int64), np.empty((0, padded * word // 64), dtype=np.uint64)
    return np.concatenate(keys), np.array(table).view(np.uint64)


def _rule_out(remaining: NDArray[Any], splits: list[_Split], full: int) -> None:
    for split in splits:
        remaining[split.tree] &= remaining.dtype.type(split.remaining & full)
