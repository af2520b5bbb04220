"""Partitions by definition, and the minima of Lemma 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from knotflow.landscape import is_critical, is_lonely, lonely_knots, lonely_minimum, lonely_samples, partition


def test_partition_by_definition():
    net = kf.ReLUNet([1.0, -1.0, 0.0, 2.0], [0.0, -1.0, -1.0, 0.0], np.ones(4))  # knots 0, 1, none, 0
    data = kf.Samples([-1.0, 0.0, 0.5, 1.0, 1.0], np.zeros(5))
    assert list(partition(net, data)) == [0, 2, 2, 3]
    assert list(lonely_samples(net, data)) == [True, False, False, True]
    assert not is_lonely(net, data)


@st.composite
def lonely_problems(draw):
    s = draw(st.integers(2, 7))
    x = np.cumsum(draw(st.lists(st.sampled_from([0.1, 1.0, 5.0]), min_size=s, max_size=s)))
    y = draw(st.lists(st.sampled_from([0.0, 1.0, -3.0]), min_size=s, max_size=s))
    m = draw(st.integers(s - 1, 15))
    pieces = sorted(draw(st.permutations(range(m + 1)))[:s])
    return kf.Samples(x, y), pieces, m, draw(st.sampled_from([0.0, 1.0, -0.3]))


@given(lonely_problems())
def test_lemma_1(problem):
    data, pieces, m, free = problem
    knots = lonely_knots(data, pieces, m)
    assert len(knots) == m
    net = lonely_minimum(data, knots, free=free, norm=2.0)
    assert list(partition(net, data)) == list(pieces)
    assert is_lonely(net, data)
    np.testing.assert_allclose(net(data.x), data.y, atol=1e-9)
    assert is_critical(net, data)
    assert net.norm == 2
    assert np.sum(np.isclose(net.delta_slopes, free)) >= m - (len(data) - 1)


def test_lemma_1_with_ties_and_given_knots():
    data = kf.Samples([0.0, 1.0, 1.0, 2.0], [1.0, 0.0, 4.0, 1.0])
    net = lonely_minimum(data, [1.5, 0.2, 0.2])
    assert net.loss(data) == pytest.approx(data.distinct.within)
    equal = lonely_minimum(kf.Samples([0.0, 1.0], [2.0, 2.0]), [0.5])
    assert np.all(equal.c == 0)
    assert equal.bias == 2


def test_bad_input_is_refused():
    data = kf.Samples([0.0, 1.0, 2.0], [1.0, 0.0, 4.0])
    with pytest.raises(kf.InputError, match=r"m is 1: it must be at least 2, for a lonely partition of 3 samples"):
        lonely_knots(data, [0, 1, 2], 1)
    with pytest.raises(kf.InputError, match=r"pieces is \[0\.0, 2\.0, 2\.0\]: it must be 3 integers in 0\.\.4 that"):
        lonely_knots(data, [0, 2, 2], 4)
    with pytest.raises(kf.InputError, match=r"pieces has length 2: it must have length 3, as the distinct x has"):
        lonely_knots(data, [0, 2], 4)
    with pytest.raises(kf.InputError, match=r"knots has none in \[1, 2\): it must have one between every two neigh"):
        lonely_minimum(data, [0.5, 0.7])
    for look in (lambda: lonely_knots([1.0], [0], 1), lambda: lonely_minimum([1.0], [0.5])):
        with pytest.raises(kf.InputError, match="data is of type list: it must be Samples"):
            look()
