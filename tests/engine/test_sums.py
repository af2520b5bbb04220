"""Sums over neurons and over samples by arc, against sums taken one by one in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import arc_patterns

from knotflow.engine import arcs, sums

tame = st.one_of(st.sampled_from([0.0, 1.0, -2.0, 0.1, 1e-6, 1e6]), st.floats(-1e3, 1e3, allow_subnormal=False))


@st.composite
def networks(draw):
    x = np.sort(draw(st.lists(tame, min_size=2, max_size=9, unique=True)))
    m = draw(st.integers(1, 12))
    a, b, c = (np.array(draw(st.lists(tame, min_size=m, max_size=m))) for _ in range(3))
    return a, b, c, x


@given(networks(), tame, st.sampled_from([1.0, 0.3, 7.0]))
def test_predict_is_the_sum_over_active_neurons(network, bias, norm):
    """Exactly, in rational arithmetic; only active neurons may contribute rounding."""
    a, b, c, x = network
    arc, ca, cb, f = np.empty(a.size, np.int32), np.empty(2 * x.size), np.empty(2 * x.size), np.empty(x.size)
    arcs.find_arcs(a, b, x, arc)
    sums.add_moments(a, b, c, arc, ca, cb)
    sums.predict(ca, cb, x, bias, 1.0 / norm, f)
    for xj, fj in zip(x, f, strict=True):
        on = np.flatnonzero(a * xj - b > 0)
        slope = sum((Fraction(c[i]) * Fraction(a[i]) for i in on), Fraction(0))
        constant = sum((Fraction(c[i]) * Fraction(b[i]) for i in on), Fraction(0))
        size = abs(bias) + (np.abs(c[on]) @ (np.abs(a[on] * xj) + np.abs(b[on]))) / norm
        exact = Fraction(bias) + (slope * Fraction(xj) - constant) / Fraction(norm)
        assert abs(fj - float(exact)) <= 1e-14 * size


@given(st.data(), st.sampled_from([1.0, 0.1, -3.0]))
def test_arc_sums_are_the_sums_over_active_samples(draws, scale):
    x = np.sort(draws.draw(st.lists(tame, min_size=2, max_size=9, unique=True)))
    r = np.array(draws.draw(st.lists(tame, min_size=x.size, max_size=x.size)))
    q0, q1 = np.full(2 * x.size, np.nan), np.full(2 * x.size, np.nan)
    sums.arc_sums(r, x, scale, q0, q1)
    for g, on in enumerate(arc_patterns(x.size)):
        for ours, terms in ((q0[g], r[on]), (q1[g], r[on] * x[on])):
            exact = Fraction(scale) * sum((Fraction(v) for v in terms), Fraction(0))
            assert abs(ours - float(exact)) <= 1e-14 * abs(scale) * np.abs(terms).sum()


@given(st.data())
def test_residuals_and_loss(draws):
    s = draws.draw(st.integers(2, 20))
    f, y, weight = (np.array(draws.draw(st.lists(tame, min_size=s, max_size=s))) for _ in range(3))
    weight, r = np.abs(weight) + 0.1, np.empty(s)
    loss = sums.residuals(f, y, weight, r)
    np.testing.assert_array_equal(r, weight * (f - y))
    exact = sum(Fraction(w) * (Fraction(p) - Fraction(q)) ** 2 for w, p, q in zip(weight, f, y, strict=True)) / 2
    assert loss == pytest.approx(float(exact), rel=1e-14, abs=0)
