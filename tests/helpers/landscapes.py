"""Networks and data for the landscape's tests: lopsided, weighted, with ties; the loss and residuals by definition."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import knotflow as kf
from helpers.nets import nets


def lopsided(m: int, s: int, seed: int) -> tuple[kf.ReLUNet, kf.Samples]:
    """A network without symmetry, and s weighted samples crowded to the left, two of them tied."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.exponential(0.4, s - 2) - 1.0, [0.7, 0.7]])
    data = kf.Samples(x, np.exp(x) - 2.0 * (x > 0) + rng.normal(size=s), rng.uniform(0.3, 2.0, s))
    a, b, c = rng.normal(0.3, 1.0, m), rng.normal(-0.2, 0.7, m), rng.normal(0.1, 0.5, m)
    return kf.ReLUNet(a, b, c, norm=1.7, bias=0.4), data


def lonely(s: int, m: int, seed: int, free: float = 0.4) -> tuple[kf.ReLUNet, kf.Samples]:
    """A global minimum with a lonely partition, and its s samples."""
    rng = np.random.default_rng(seed)
    data = kf.Samples(np.sort(rng.uniform(-1, 1, s)), rng.normal(size=s))
    pieces = np.sort(rng.choice(m + 1, s, replace=False))
    knots = kf.landscape.lonely_knots(data, pieces, m)
    return kf.landscape.lonely_minimum(data, knots, free=free, norm=1.5), data


def parameters(net: kf.ReLUNet) -> np.ndarray:
    return np.concatenate([net.a, net.b, net.c, [net.bias]])


def loss(net: kf.ReLUNet, data: kf.Samples) -> float:
    """L by its definition, O(m n), sharing nothing with the library."""
    f = net.bias + np.maximum(np.multiply.outer(data.x, net.a) - net.b, 0) @ net.c / net.norm
    return 0.5 * np.sum(data.weights * (f - data.y) ** 2)


def moved(net: kf.ReLUNet, i: int, knot: float) -> kf.ReLUNet:
    """The network with the knot of neuron i elsewhere: b_i = a_i knot."""
    b = net.b.copy()
    b[i] = net.a[i] * knot
    return net.replace(b=b)


@st.composite
def samples(draw: st.DrawFn) -> kf.Samples:
    """2 to 7 samples, lopsided in x, some tied, some with equal y."""
    x = draw(st.lists(st.sampled_from([-5.0, -1.0, -0.9, 0.0, 0.1, 0.4, 2.0, 30.0]), min_size=2, max_size=7))
    if len(set(x)) < 2:
        x.append(x[0] + 1.0)
    y = draw(st.lists(st.sampled_from([0.0, 1.0, -2.0, 0.3]), min_size=len(x), max_size=len(x)))
    weights = draw(st.lists(st.sampled_from([1.0, 0.2, 3.0]), min_size=len(x), max_size=len(x)))
    return kf.Samples(x, y, weights)


problems = st.tuples(nets(), samples())
