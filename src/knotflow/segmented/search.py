"""Continuous fits with 1, ..., K pieces by a search, for where the exact optimum of each costs too much.

A fit is its nodes, the samples where pieces begin and end. Its error takes O(k) from sums over the samples. One node
after the other goes to the best place between its neighbours, then two neighbours at once look around, then each is
taken out and put back where it is best of all, and so two neighbours as a close pair, until nothing improves. The
starts are the best separate pieces, fits with one or two pieces less and as many knots more, and that with one piece
more and a knot less.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.engine.compiled import kernel

_NARROW = 1e-3  # of the size of x: pieces shorter than that are summed sample by sample, for their digits
_AROUND = 4  # samples to each side for two nodes at once
_LOWER = 1e-12  # relative: what counts as lower


class Sums(NamedTuple):
    """The samples, and (6, s + 1) sums over those before j of w, w u, w u^2, w v, w u v and w v^2."""

    u: Array
    v: Array
    w: Array
    before: Array


@kernel
def summed(u, v, w):
    """The samples with their sums. O(s)."""
    sums = np.zeros((6, u.size + 1))
    for j in range(u.size):
        x, y, weight = u[j], v[j], w[j]
        sums[0, j + 1] = sums[0, j] + weight
        sums[1, j + 1] = sums[1, j] + weight * x
        sums[2, j + 1] = sums[2, j] + weight * x * x
        sums[3, j + 1] = sums[3, j] + weight * y
        sums[4, j + 1] = sums[4, j] + weight * x * y
        sums[5, j + 1] = sums[5, j] + weight * y * y
    return Sums(u, v, w, sums)


@kernel(inline="always")
def piece_sums(u, v, w, before, lo, hi, stop):
    """Sums over the samples lo .. stop - 1 of w, w t, w t^2, w v, w t v; t goes from 0 at lo to 1 at hi."""
    h, start = u[hi] - u[lo], u[lo]
    if h < _NARROW:
        weight = s1 = s2 = y = r1 = 0.0
        for j in range(lo, stop):
            t = (u[j] - start) / h
            weight += w[j]
            s1 += w[j] * t
            s2 += w[j] * t * t
            y += w[j] * v[j]
            r1 += w[j] * t * v[j]
        return weight, s1, s2, y, r1
    weight, x = before[0, stop] - before[0, lo], before[1, stop] - before[1, lo]
    square = before[2, stop] - before[2, lo] - 2 * start * x + start * start * weight
    y = before[3, stop] - before[3, lo]
    r1 = (before[4, stop] - before[4, lo] - start * y) / h
    return weight, (x - start * weight) / h, square / (h * h), y, r1


@kernel
def error_of(sums, nodes):
    """The error of the best polygon with these nodes, the ends included: its normal equations, eliminated once."""
    u, v, w, before = sums
    last = nodes.size - 2
    error = before[5, u.size]
    diagonal, right = 0.0, 0.0  # of the node on the left, from the pieces before it
    for p in range(last + 1):
        lo, hi = nodes[p], nodes[p + 1]
        stop = hi + 1 if p == last else hi
        weight, s1, s2, y, r1 = piece_sums(u, v, w, before, lo, hi, stop)
        diagonal += weight - 2 * s1 + s2
        right += y - r1
        beside = s1 - s2
        error -= right * right / diagonal
        right = r1 - beside / diagonal * right
        diagonal = s2 - beside / diagonal * beside
    return error - right * right / diagonal


@kernel
def descended(sums, nodes, length):
    """Move the nodes until nothing improves, none closer than `length` samples; returns the error."""
    best = error_of(sums, nodes)
    k = nodes.size - 1
    improved = True
    while improved:
        improved = False
        for p in range(1, k):
            place = nodes[p]
            for j in range(nodes[p - 1] + length, nodes[p + 1] - length + 1):
                nodes[p] = j
                error = error_of(sums, nodes)
                if error < best - _LOWER * abs(best):
                    best, place, improved = error, j, True
            nodes[p] = place
        if improved:
            continue
        for p in range(1, k - 1):
            one, two = nodes[p], nodes[p + 1]
            first, second = one, two
            for i in range(max(one - _AROUND, nodes[p - 1] + length), one + _AROUND + 1):
                for j in range(max(two - _AROUND, i + length), min(two + _AROUND, nodes[p + 2] - length) + 1):
                    nodes[p], nodes[p + 1] = i, j
                    error = error_of(sums, nodes)
                    if error < best - _LOWER * abs(best):
                        best, first, second, improved = error, i, j, True
            nodes[p], nodes[p + 1] = first, second
    return best


@kernel
def with_one_more(sums, nodes, length):
    """The nodes with the best one added; the same nodes if there is no room."""
    best, found = np.inf, nodes
    tried = np.empty(nodes.size + 1, np.int64)
    for p in range(nodes.size - 1):
        tried[: p + 1], tried[p + 2 :] = nodes[: p + 1], nodes[p + 1 :]
        for j in range(nodes[p] + length, nodes[p + 1] - length + 1):
            tried[p + 1] = j
            error = error_of(sums, tried)
            if error < best:
                best, found = error, tried.copy()
    return found


@kernel
def with_a_pair(sums, nodes, length):
    """The nodes with the best two added that are close to each other; the same nodes if there is no room."""
    best, found = np.inf, nodes
    tried = np.empty(nodes.size + 2, np.int64)
    for p in range(nodes.size - 1):
        tried[: p + 1], tried[p + 3 :] = nodes[: p + 1], nodes[p + 1 :]
        for i in range(nodes[p] + length, nodes[p + 1] - 2 * length + 1):
            for j in range(i + length, min(i + length + _AROUND, nodes[p + 1] - length + 1)):
                tried[p + 1], tried[p + 2] = i, j
                error = error_of(sums, tried)
                if error < best:
                    best, found = error, tried.copy()
    return found


@kernel
def with_one_less(sums, nodes):
    """The nodes without the inner one that costs least."""
    best, found = np.inf, nodes
    for p in range(1, nodes.size - 1):
        tried = np.empty(nodes.size - 1, np.int64)
        tried[:p], tried[p:] = nodes[:p], nodes[p + 1 :]
        error = error_of(sums, tried)
        if error < best:
            best, found = error, tried
    return found


def searched_nodes(u: Array, v: Array, w: Array, starts: list[Ints], pieces: int, length: int) -> list[Ints]:
    """The nodes of the fits with 1, 2, ..., `pieces` pieces of at least `length` steps, as far as there is room.

    starts  nodes to start from, with 1, 2, ... pieces
    """
    sums = summed(u, v, w)
    best: list[tuple[float, Ints]] = []

    def offer(nodes: Ints) -> bool:
        """Whether the fit that is found from these nodes is the best so far with as many."""
        found = np.array(nodes, np.int64)
        error = descended(sums, found, length)
        k = len(found) - 1
        if k > len(best):
            best.append((error, found))
            return True
        if error < best[k - 1][0] - _LOWER * abs(best[k - 1][0]):
            best[k - 1] = error, found
            return True
        return False

    def settle(k: int) -> None:
        p = 1
        while p < k:  # inner nodes out and back in
            nodes = best[k - 1][1]
            one = with_one_more(sums, np.delete(nodes, p), length)
            two = with_a_pair(sums, np.delete(nodes, [p, p + 1]), length) if p + 1 < k else nodes
            p = 1 if offer(one) or (len(two) == k + 1 and offer(two)) else p + 1

    for k in range(1, pieces + 1):
        longer = [np.array([0, len(u) - 1])] if k == 1 else [with_one_more(sums, best[-1][1], length)]
        longer += [with_a_pair(sums, best[-2][1], length)] if k > 2 else []
        for nodes in (*longer, *starts[k - 1 : k]):
            if len(nodes) == k + 1:
                offer(nodes)
        if len(best) < k:
            break
        settle(k)
    for k in range(len(best) - 1, 0, -1):
        if offer(with_one_less(sums, best[k][1])):
            settle(k)
    return [nodes for _, nodes in best]
