"""The two targets with a gap in the data, which Figures 10 and 11 share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import knotflow as kf

GAP = (-0.5, 0.5)
CASES = {"smooth": kf.targets.smooth_gap, "sharp": kf.targets.sharp_gap}
_BINS = 10


def samples(case: str, each_side: int) -> kf.Samples:
    """Evenly on [-2, -0.5] and [0.5, 2]."""
    x = np.concatenate([np.linspace(-2, GAP[0], each_side), np.linspace(GAP[1], 2, each_side)])
    return kf.Samples.from_function(CASES[case], x)


def roughness(net: kf.ReLUNet) -> dict[str, float]:
    """Of the neurons with knots in the gap.

    roughness  the paper's measure, the sum of the squares of the delta-slopes
    curvature  of the function itself, whatever neurons make it: the integral of f''^2 with f'' averaged over tenths
    """
    inside = (net.knots > GAP[0]) & (net.knots < GAP[1])
    knots, jumps = net.knots[inside], (net.delta_slopes * np.sign(net.a))[inside]
    bends: NDArray[np.float64] = np.histogram(knots, _BINS, GAP, weights=jumps)[0]
    return {"roughness": float(np.sum(jumps**2)), "curvature": float(np.sum(bends**2)) * _BINS / (GAP[1] - GAP[0])}
