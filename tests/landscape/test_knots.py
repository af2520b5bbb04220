"""Knot types against one-sided slopes of the loss, the compact rule, and the simulated flow on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import knotflow as kf
from helpers.landscapes import lopsided, loss, moved, problems
from knotflow.landscape import knot_types, knot_velocities, psi


def slope(net, data, i, x, side):
    """One-sided derivative of the loss in knot i: three points of a parabola, none beyond the next sample."""
    gaps = np.abs(data.distinct.x - x)
    h = min(1e-3, np.min(gaps[gaps > 0]) / 4)
    f0, f1, f2 = (loss(moved(net, i, x + side * k * h), data) for k in (0, 1, 2))
    return side * (-3 * f0 + 4 * f1 - f2) / (2 * h)


def test_types_are_the_signs_of_one_sided_slopes():
    seen = set()
    for seed in range(6):
        net, data = lopsided(14, 9, seed)
        types = knot_types(net, data)
        for i in range(14):
            for j, x in enumerate(data.distinct.x):
                left, right = slope(net, data, i, x, -1), slope(net, data, i, x, 1)
                outer = j == (len(data.distinct.x) - 1 if net.a[i] > 0 else 0)
                expected = "attractor" if left < 0 < right else "repeller" if left > 0 > right else "passthrough"
                assert types[i, j] == ("flat" if outer else expected)
                seen.add(types[i, j])
    assert seen == {"flat", "passthrough", "repeller", "attractor"}


@pytest.mark.parametrize(("motion", "train"), [("slice", {"b"}), ("flow", {"a", "b", "c"})])
def test_types_are_those_of_the_simulated_flow(motion, train):
    """A knot placed on either side of a sample moves towards it or away from it as its type says."""
    checked = {"attractor": 0, "repeller": 0, "passthrough": 0}
    for seed in range(12):
        net, data = lopsided(4, 7, seed)
        x = data.distinct.x
        types = knot_types(net, data, motion=motion)
        for i in range(4):
            for j in np.flatnonzero(types[i] != "flat"):
                if types[i, j] == "passthrough" and checked["passthrough"] > 20:
                    continue
                moves = [_drift(moved(net, i, x[j] + side * 1e-7), data, i, train) for side in (-1, 1)]
                if min(np.abs(moves)) < 1e-14:
                    continue
                kind = {(1, -1): "attractor", (-1, 1): "repeller"}.get(tuple(np.sign(moves).astype(int)), "passthrough")
                assert kind == types[i, j], (seed, i, j)
                checked[kind] += 1
    assert min(checked.values()) >= 5, checked


def _drift(net, data, i, train):
    final = kf.evolve(net, data, kf.GradientFlow(train=frozenset(train)), until=1e-9).final
    return final.knots[i] - net.knots[i]


@given(problems)
def test_the_compact_rule(problem):
    """S e < 0 and |e| > |S|, with sums over samples written out, wherever neither side is at the edge of rounding."""
    net, data = problem
    x, y, w = data.distinct.x, data.distinct.y, data.distinct.weight
    for motion, turned in (("slice", 0.0), ("flow", 1.0)):
        types = knot_types(net, data, motion=motion)
        for i in np.flatnonzero(np.isfinite(net.knots) & (np.abs(net.knots) < 1e3)):
            for j in range(len(x)):
                at = moved(net, i, x[j])
                f = at.bias + np.maximum(np.multiply.outer(x, at.a) - at.b, 0) @ at.c / at.norm
                terms = w * (f - y) * (1 + turned * x[j] * x)
                beside = x > x[j] if at.a[i] > 0 else x < x[j]
                e, total, mu = terms[j], terms[beside].sum(), at.delta_slopes[i]
                if not beside.any() or mu == 0:
                    assert types[i, j] == "flat"
                    continue
                size = 1e-9 * np.sum(w * (np.abs(f) + np.abs(y) + np.abs(at.c).max() * 1e2) * (1 + np.abs(x[j] * x)))
                if min(abs(total), abs(total + e)) <= size:
                    continue
                kind = "passthrough"
                if total * e < 0 and abs(e) > abs(total):
                    kind = "attractor" if at.orientations[i] * mu * e > 0 else "repeller"
                assert types[i, j] == kind


def test_psi_and_velocities_by_definition():
    net, data = lopsided(30, 12, 4)
    x, r, w = data.x, net(data.x) - data.y, data.weights
    at = np.concatenate([np.linspace(-2, 2, 40), x]).reshape(4, -1)
    for side in (1, -1):
        expected = [[np.sum((w * r * (1 + b * x))[side * (x - b) > 0]) for b in row] for row in at]
        np.testing.assert_allclose(psi(net, data, at, side), expected, atol=1e-12)
    away = np.linspace(-1.93, 1.9, 30)
    total = np.sum(w * r) + away * np.sum(w * r * x)
    np.testing.assert_allclose(psi(net, data, away, 1) + psi(net, data, away, -1), total, atol=1e-12)
    sided = np.where(net.a > 0, psi(net, data, net.knots, 1), psi(net, data, net.knots, -1))
    np.testing.assert_allclose(knot_velocities(net, data), net.c / (net.a * net.norm) * sided, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"b"}, {"a"}, {"c"}])
def test_velocities_are_those_of_small_steps(train):
    net, data = lopsided(20, 9, 5)
    lr = 1e-7
    step = kf.evolve(net, data, kf.GradientDescent(lr, train=frozenset(train)), steps=1).final
    np.testing.assert_allclose(knot_velocities(net, data, train), (step.knots - net.knots) / lr, rtol=1e-3, atol=1e-6)


def test_degenerate_types():
    net = kf.ReLUNet([1.0, 0.0, -1.0, 1.0], [0.0, -1.0, 0.3, 0.2], [1.0, 1.0, 2.0, 0.0])
    data = kf.Samples([0.0, 1.0], [2.0, 2.0])
    types = knot_types(net, data)
    assert types.shape == (4, 2)
    assert list(types[1]) == ["flat", "flat"]  # no knot
    assert list(types[3]) == ["flat", "flat"]  # no delta-slope
    assert types[0, 1] == "flat"  # dead right of the last sample
    assert types[2, 0] == "flat"
    assert np.isnan(knot_velocities(net, data)[1])
    with pytest.raises(kf.InputError, match=r"motion is 'b': it must be one of 'slice', 'flow'"):
        knot_types(net, data, motion="b")
    with pytest.raises(kf.InputError, match=r"orientation is 0: it must be 1 \(right-facing\) or -1"):
        psi(net, data, [0.0], 0)


def test_the_old_keyword_still_works():
    net, data = lopsided(14, 9, 3)
    for train, motion in (({"b"}, "slice"), ({"a", "b"}, "flow"), ({"a", "b", "c"}, "flow")):
        with pytest.warns(DeprecationWarning, match='is now motion="slice" or motion="flow"') as seen:
            old = knot_types(net, data, train=train)
        assert [warning.filename for warning in seen] == [__file__]
        np.testing.assert_array_equal(old, knot_types(net, data, motion=motion))
    with pytest.warns(DeprecationWarning, match='is now motion="slice"'):
        turned = knot_types(net, data, train={"a"})
    assert np.any(turned != knot_types(net, data))
    with (
        pytest.warns(DeprecationWarning, match="giving knot_types its train by position is deprecated"),
        pytest.warns(DeprecationWarning, match="train of knot_types is now"),
    ):
        by_position = knot_types(net, data, {"a", "b"})
    np.testing.assert_array_equal(by_position, knot_types(net, data, motion="flow"))
    with (
        pytest.warns(DeprecationWarning, match="train of knot_types is now"),
        pytest.raises(kf.InputError, match=r"train is \{'c'\}: it must contain 'a' or 'b', without which no knot mov"),
    ):
        knot_types(net, data, train={"c"})
