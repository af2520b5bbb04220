"""Networks to test with: lopsided, tied and degenerate ones, and what they compute in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from knotflow.network import ReLUNet

# Few values, so that neurons share knots and cancel, and many sizes, so that nothing is balanced.
tied = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.1, -0.7])
lopsided = st.builds(
    lambda mantissa, exponent: mantissa * 10.0**exponent,
    st.floats(-1, 1, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-3),
    st.integers(-6, 6),
)
parameters = st.one_of(tied, lopsided)


def numbers(bound: float) -> st.SearchStrategy[float]:
    """Up to `bound` in size, and nothing so small that products of it underflow."""
    return st.floats(-bound, bound).map(lambda v: v if abs(v) > 1e-100 else 0.0)


@st.composite
def nets(draw: st.DrawFn) -> ReLUNet:
    """1 to 8 neurons; some repeat another one in other parameters, or with the opposite c or the other facing."""
    neurons = draw(st.lists(st.tuples(parameters, parameters, parameters), min_size=1, max_size=5))
    for a, b, c in draw(st.lists(st.sampled_from(neurons), max_size=3)):
        k = draw(st.sampled_from([1.0, 0.3, 1e3]))
        side, sign = draw(st.sampled_from([1, -1])), draw(st.sampled_from([1, -1]))
        neurons.append((side * k * a, side * k * b, sign * c / k))
    norm = draw(st.sampled_from([1.0, 0.37, len(neurons) ** 0.5, len(neurons)]))
    return ReLUNet(*np.array(neurons).T, norm, draw(parameters))


def points(net: ReLUNet) -> np.ndarray:
    """Where errors hide: at the knots and right beside them, between them, at 0 and far outside; unsorted."""
    knots = np.unique(net.knots[np.isfinite(net.knots)])
    between = (knots[1:] + knots[:-1]) / 2
    step = np.where(knots == 0, 1e-200, np.spacing(knots))  # no products that underflow
    beside = np.concatenate([knots + step, knots - step, knots + 0.1])
    return np.concatenate([[1e8, 0.0, -1e8, 1.5, -0.3], knots, between, beside])


def exact(net: ReLUNet, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f(x) in rational arithmetic, and its natural scale |bias| + sum_i |c_i| (|a_i x| + |b_i|) / norm."""
    neurons = [tuple(map(Fraction, map(float, neuron))) for neuron in zip(net.a, net.b, net.c, strict=True)]
    f, scale = [], []
    for z in map(Fraction, map(float, x)):
        f.append(sum((c * max(a * z - b, Fraction(0)) for a, b, c in neurons), Fraction(0)))
        scale.append(sum((abs(c) * (abs(a * z) + abs(b)) for a, b, c in neurons), Fraction(0)))
    norm, bias = Fraction(net.norm), Fraction(net.bias)
    return (
        np.array([float(v / norm + bias) for v in f]),
        np.array([float(v / norm + abs(bias)) for v in scale]),
    )


def dense(net: ReLUNet, x: np.ndarray) -> np.ndarray:
    """f(x) by its definition, O(m n)."""
    return net.bias + np.maximum(np.multiply.outer(x, net.a) - net.b, 0) @ net.c / net.norm
