"""Cross-validation over the distinct x, so that a sample of weight 2 is the sample twice here, too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow._checks import count
from knotflow.data import Samples

__all__ = ["Part", "parts"]


class Part(NamedTuple):
    """What is trained on, what is left out, and the share of the total weight that is trained on."""

    train: Samples
    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    share: float

    def error(self, predicted: np.ndarray) -> np.ndarray:
        """Sum of w (f - y)^2 over what is left out, for (..., k) predictions."""
        return ((predicted - self.y) ** 2) @ self.weight


def parts(data: Samples, folds: object) -> list[Part]:
    """The j-th distinct x is left out of part j mod `folds`, and two or more are left in.

    So there are at most as many parts as distinct x, three for three, and none for two.
    """
    s = len(data.distinct.x)
    wanted = max(min(count("folds", folds, least=2), s), 3 if s == 3 else 2)
    fold = np.searchsorted(data.distinct.x, data.x) % wanted
    total = data.weights.sum()
    found = []
    for j in range(wanted if s > 2 else 0):
        kept, out = fold != j, fold == j
        train = Samples(data.x[kept], data.y[kept], data.weights[kept])
        found.append(Part(train, data.x[out], data.y[out], data.weights[out], float(train.weights.sum() / total)))
    return found
