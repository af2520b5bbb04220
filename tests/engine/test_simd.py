"""Vector operations against NumPy, lane by lane, over lopsided values with zeros, infinities and nan."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from knotflow.engine import simd
from knotflow.engine.simd import (
    absolute,
    add_pairs,
    at_least,
    gather,
    greater,
    load,
    load_pairs,
    load_scalar,
    movemask,
    reduce_add,
    select,
    splat,
    square_root,
    store,
    store_scalar,
    unpack,
)  # fmt: skip

X = np.array([3.0, -1e300, 0.0, np.nan])
Y = np.array([2.5, 7.0, -0.0, 1.0])
Z = np.array([-1e-3, 1e5, np.inf, 4.0])


@njit
def results(x, y, z, out):
    u, v, w = load(x, 0), load(y, 0), load(z, 0)
    mask = greater(u, v)
    store(out[0], 0, u + v)
    store(out[1], 0, u - v)
    store(out[2], 0, u * v)
    store(out[3], 0, select(mask, w))
    store(out[4], 0, absolute(u))
    store(out[5], 0, splat(x[1]))
    store(out[6], 0, gather(x, 3, 1, 0, 2))
    p, q, r, s = unpack(w)
    for k, value in enumerate((s, r, q, p)):
        out[7, k] = value
    u += w
    v -= w
    store(out[8], 0, u)
    store(out[9], 0, v)
    store(out[10], 0, w / load(y, 0))
    store(out[11], 0, square_root(w))
    other = greater(w, v)
    return movemask(mask), movemask(mask & other), movemask(mask | other), movemask(mask ^ other)


def test_vectors_do_what_numpy_does():
    out = np.empty((12, simd.LANES))
    got = results(X, Y, Z, out)
    above_y, beyond = X > Y, Z > Y - Z
    expected = [
        X + Y, X - Y, X * Y, np.where(above_y, Z, 0.0), np.abs(X), np.full(4, X[1]),
        X[[3, 1, 0, 2]], Z[::-1], X + Z, Y - Z,
    ]  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        expected += [Z / Y, np.sqrt(Z)]
    np.testing.assert_array_equal(out, expected)
    powers = 1 << np.arange(4)
    assert got == tuple(int(powers @ m) for m in (above_y, above_y & beyond, above_y | beyond, above_y ^ beyond))


@njit
def single(x, i):
    store_scalar(x, i, 2.0 * load_scalar(x, i + 1))
    return reduce_add(load(x, 1))


def test_single_places_and_totals():
    x = np.arange(6.0)
    assert single(x, 2) == 1 + 6 + 3 + 4
    np.testing.assert_array_equal(x, [0, 1, 6, 3, 4, 5])


@pytest.mark.parametrize("at", range(5))
def test_loads_need_no_alignment(at):
    @njit
    def shifted(x, out, k):
        store(out, 3, load(x, k))

    x, out = np.arange(9.0), np.zeros(9)
    shifted(x, out, at)
    np.testing.assert_array_equal(out[3:7], x[at : at + 4])
    assert not out[[0, 1, 2, 7, 8]].any()


@njit
def pairs(table, x, y, out):
    p, q = load_pairs(table, 6, 0, 3, 0)
    store(out[0], 0, p)
    store(out[1], 0, q)
    add_pairs(table, 0, 4, 0, 5, load(x, 0), load(y, 0))


def test_pairs_are_read_and_added_to_in_turn():
    table, out = np.arange(8.0), np.empty((2, 4))
    x, y = np.array([10.0, 20.0, 30.0, 40.0]), np.array([100.0, 200.0, 300.0, 400.0])
    pairs(table, x, y, out)
    np.testing.assert_array_equal(out, [[6, 0, 3, 0], [7, 1, 4, 1]])
    np.testing.assert_array_equal(table, [40, 401, 2, 3, 24, 245, 406, 7])


@njit
def reached(k, bound):
    return movemask(at_least(k[0], k[1], k[2], k[3], bound))


def test_reaching_a_bound():
    k = np.array([-3, 5, 4, 2_000_000_000])
    assert [reached(k, bound) for bound in (-3, 0, 5, 2_000_000_000)] == [0b1111, 0b1110, 0b1010, 0b1000]
