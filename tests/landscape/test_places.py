"""Knots at samples up to rounding, and sums that are 0 up to rounding: one rule in all of the room."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import knotflow as kf
from knotflow import landscape


@st.composite
def at_samples(draw):
    """Samples, and networks whose knots are at samples up to rounding in different ways; one is exact."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    s, m = draw(st.integers(3, 7)), draw(st.integers(1, 4))
    unit = 10.0 ** draw(st.sampled_from([-9, 0, 9]))
    x = unit * np.sort(rng.normal(size=s) + draw(st.sampled_from([0.0, 1e4])))
    a, c, at = rng.choice([-1, 1], m) * rng.uniform(0.1, 3, m), rng.normal(size=m), rng.integers(0, s, m)
    b = a * x[at]
    off = [np.nextafter(b, np.inf), np.nextafter(b, -np.inf), b * (1 + rng.uniform(-4e-16, 4e-16, m))]
    k = rng.uniform(0.1, 10, m)
    nets = [kf.ReLUNet(a, each, c) for each in (b, *off)] + [kf.ReLUNet(k * a, k * b, c / k)]
    return kf.Samples(x, unit * rng.normal(size=s)), nets, at


def looked_at(net, data):
    """What the room says of a network: of which samples each knot is at, all of it is the same."""
    yield landscape.partition(net, data)
    yield landscape.lonely_samples(net, data)
    yield landscape.psi(net, data, net.knots, 1)
    yield landscape.psi(net, data, net.knots, -1)
    yield landscape.critical_point(net, data).converse
    if np.any(np.multiply.outer(net.a, data.x) > net.b[:, None] + 1e-9 * np.abs(net.b[:, None])):
        unit = net.rescaled(1 / np.abs(net.a))
        yield landscape.hessian(unit, data)
        yield landscape.delta_slope_hessian(net, data).matrix
        yield landscape.delta_slope_hessian(net, data).rank
        yield landscape.hessian_spectrum(unit, data).eigenvalues


@given(at_samples())
@settings(max_examples=80)
def test_knots_at_samples_up_to_rounding_are_there(problem):
    data, (exact, *others), at = problem
    expected = list(looked_at(exact, data))
    for net in others:
        for value, wanted in zip(looked_at(net, data), expected, strict=True):
            size = np.abs(np.asarray(wanted, dtype=float)).max()
            np.testing.assert_allclose(np.asarray(value, dtype=float), wanted, rtol=0, atol=1e-6 * size)
        with pytest.raises(kf.InputError, match=r"it must not be at a sample|no neuron of net is active"):
            landscape.hessian_rank(net, data)
    count = np.bincount(at, minlength=len(data.x)).cumsum()
    np.testing.assert_array_equal(landscape.partition(exact, data), count)


@given(at_samples(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_the_product_is_that_of_the_matrix_there_too(problem, seed):
    data, nets, _ = problem
    for net in nets:
        try:
            matrix = landscape.hessian(net, data)
        except kf.InputError:
            with pytest.raises(kf.InputError, match="no neuron of net is active"):
                landscape.HessianProduct(net, data)
            continue
        m, reach = len(net), np.abs(data.x).max()
        unit = np.concatenate([np.full(m, reach), np.ones(m), np.abs(net.a) * reach, [1.0]])  # J over it is of order 1
        v = np.random.default_rng(seed).normal(size=len(matrix)) / unit
        product = landscape.HessianProduct(net, data) @ v
        size = (1 + np.abs(net.c).max()) ** 2 + (np.abs(matrix) / np.outer(unit, unit)).max()
        assert np.all(np.abs(product - matrix @ v) / unit <= 1e-11 * m * size)


def test_the_rank_is_right_or_refused_with_knots_next_to_samples():
    rng = np.random.default_rng(0)
    counted = 0
    for _ in range(1000):
        x, y = np.sort(rng.normal(size=4)), rng.normal(size=4)
        a, c = rng.normal(size=(2, 2))
        b = a * rng.choice(x, 2) * (1 + rng.choice([0, 1e-16, 3e-16, 1e-13, 1e-11], 2))
        net, data = kf.ReLUNet(a, b, c), kf.Samples(x, y)
        try:
            rank = landscape.hessian_rank(net, data)
        except kf.InputError:
            continue
        counted += 1
        # What a knot beside a sample adds to J is small: the rank is that of the exact matrix.
        sizes = [[Fraction(float(v)) for v in values] for values in (x, a, b, c)]
        rows = [jacobian_row(u, *sizes[1:]) for u in sizes[0]]
        assert rank == exact_rank(rows)
    assert counted > 50


def jacobian_row(x, a, b, c):
    h = [ai * x - bi for ai, bi in zip(a, b, strict=True)]
    on = [(ci, hi) if hi > 0 else (Fraction(0), Fraction(0)) for ci, hi in zip(c, h, strict=True)]
    return [*(ci * x for ci, _ in on), *(-ci for ci, _ in on), *(hi for _, hi in on), Fraction(1)]


def exact_rank(rows):
    rank = 0
    for column in range(len(rows[0])):
        pivot = next((r for r in range(rank, len(rows)) if rows[r][column] != 0), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for r in range(rank + 1, len(rows)):
            share = rows[r][column] / rows[rank][column]
            rows[r] = [v - share * w for v, w in zip(rows[r], rows[rank], strict=True)]
        rank += 1
    return rank


def test_a_lonely_minimum_with_a_knot_next_to_a_sample():
    data = kf.Samples([0.1, 0.2, 0.3, 0.7], [1.0, 0.0, 4.0, 2.0])
    for at in (0.2, np.nextafter(0.2, 0), np.nextafter(0.2, 1)):
        net = landscape.lonely_minimum(data, [0.15, at, 0.5])
        np.testing.assert_allclose(net(data.x), data.y, rtol=0, atol=1e-12)
    with pytest.raises(kf.InputError, match=r"knots has none in \[0\.1, 0\.2\)"):
        landscape.lonely_minimum(data, [np.nextafter(0.2, 0), 0.25, 0.5])


@st.composite
def balanced(draw):
    """Whole numbers over a common denominator: sums that are exactly 0, but not in float64."""
    den = draw(st.sampled_from([1, 3, 7, 10]))
    whole = st.integers(-5, 5)
    x = sorted(draw(st.sets(whole, min_size=2, max_size=6)))
    y = [draw(whole) for _ in x]
    neurons = draw(st.lists(st.tuples(st.sampled_from([-2, -1, 1, 3]), whole, whole), min_size=1, max_size=3))
    x, y = ([Fraction(v, den) for v in values] for values in (x, y))
    return x, y, [(Fraction(a, den), Fraction(b, den**2), Fraction(c)) for a, b, c in neurons]


def exact_type(x, y, neurons, i, j):
    """The type of sample j for the knot of neuron i from exact velocities on both sides."""
    a, _, c = neurons[i]
    others = [n for k, n in enumerate(neurons) if k != i]
    rest = [sum(c * max(a * u - b, Fraction(0)) for a, b, c in others) - v for u, v in zip(x, y, strict=True)]
    beyond = range(j + 1, len(x)) if a > 0 else range(j)
    with_it = [j, *beyond]
    before, after = (with_it, beyond) if a > 0 else (beyond, with_it)
    left, right = (sum((rest[k] + c * a * (x[k] - x[j])) * c * a for k in which) for which in (before, after))
    if c * a == 0 or not len(beyond):
        return "flat"
    if left > 0 > right:
        return "attractor"
    return "repeller" if left < 0 < right else "passthrough"


@given(balanced())
@settings(max_examples=200)
def test_types_are_those_of_exact_sums(problem):
    x, y, neurons = problem
    a, b, c = np.array([[float(v) for v in neuron] for neuron in neurons]).T
    net, data = kf.ReLUNet(a, b, c), kf.Samples([float(v) for v in x], [float(v) for v in y])
    expected = [[exact_type(x, y, neurons, i, j) for j in range(len(x))] for i in range(len(a))]
    assert landscape.knot_types(net, data).tolist() == expected
    for i in range(len(a)):
        assert landscape.loss_slice(net, data, i).types.tolist() == expected[i]


def test_a_slice_that_is_level_at_a_sample_has_its_minimum_there():
    data = kf.Samples([0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 2.0])
    cut = landscape.loss_slice(kf.ReLUNet([1.0], [0.4], [1.0]), data, 0)
    assert (cut.left[1], cut.right[1]) == (0, 0)
    assert cut.minima.x.tolist() == [1.0]
    assert cut.minimum == 0
