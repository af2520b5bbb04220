"""Piecewise linear fits by looking at every partition, in terms that share nothing with knotflow."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from scipy.optimize import lsq_linear


def nodes(s: int, pieces: int, continuous: bool, min_length: int):
    """Every admissible sequence of nodes: samples where pieces meet, or first samples and s."""
    step = max(min_length - 1, 1) if continuous else min_length
    last = s - 1 if continuous else s
    for inner in combinations(range(1, last), pieces - 1):
        sequence = (0, *inner, last)
        if min(np.diff(sequence)) >= step:
            yield sequence


def error(x, y, w, sequence, continuous: bool, monotone: str | None) -> float:
    """Least sum of w (f - y)^2 over the f with these nodes, on points with distinct x."""
    sign = -1 if monotone == "decreasing" else 1
    columns = []
    if continuous:
        knots = x[list(sequence)]
        columns = [np.interp(x, knots, (np.arange(len(knots)) > p).astype(float)) for p in range(len(knots) - 1)]
    else:
        for start, stop in pairwise(sequence):
            inside = (np.arange(len(x)) >= start) & (np.arange(len(x)) < stop)
            if start > 0:
                columns.append((np.arange(len(x)) >= start).astype(float))
            ramp = np.where(inside, x - x[start], 0.0)
            columns.append(np.where(np.arange(len(x)) >= stop, x[stop - 1] - x[start], ramp))
    root = np.sqrt(w)
    design = np.stack([np.ones(len(x)), *columns], axis=1) * root[:, None]
    if monotone is None:
        theta = np.linalg.lstsq(design, root * y, rcond=None)[0]
        return float(np.sum((design @ theta - root * y) ** 2))
    design = design[:, np.any(design != 0, axis=0)]  # a piece with one sample has no rise
    lower = np.append(-np.inf, np.zeros(design.shape[1] - 1))
    return 2 * lsq_linear(design, sign * root * y, (lower, np.inf), method="bvls", tol=1e-15).cost


def least_error(data, pieces: int, continuous: bool = False, min_length: int = 1, monotone: str | None = None) -> float:
    """The optimum over all partitions, ties and weights included."""
    x, group = np.unique(data.x, return_inverse=True)
    w = np.bincount(group, data.weights)
    y = np.bincount(group, data.weights * data.y) / w
    within = float(np.sum(data.weights * (data.y - y[group]) ** 2))
    sequences = nodes(len(x), pieces, continuous, min_length)
    return within + min(error(x, y, w, sequence, continuous, monotone) for sequence in sequences)
