"""Exact knots of deep networks against the forward pass on dense grids."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf


def forward(layers, x):
    h = np.asarray(x, float)[:, None]
    for k, (weight, bias) in enumerate(layers):
        h = np.maximum(h, 0) if k else h
        h = h @ np.asarray(weight).T + np.asarray(bias)
    return h[:, 0]


def patterns(layers, x):
    """Which units are active at each x: (n, units)."""
    h, rows = np.asarray(x, float)[:, None], []
    for weight, bias in layers[:-1]:
        z = h @ weight.T + bias
        rows.append(z > 0)
        h = np.maximum(z, 0)
    return np.hstack(rows)


WIDTHS = [(6,), (1, 3), (8, 8, 8, 8), (40, 40), (12, 9, 7, 5, 11, 8), (3, 50, 2)]


@pytest.mark.parametrize("start", ["pytorch", "he"])
@pytest.mark.parametrize("widths", WIDTHS)
def test_function_is_that_of_the_forward_pass(widths, start):
    for seed in range(3):
        layers = kf.deep.draw(widths, np.random.default_rng(seed), start)
        f = kf.deep.knots(layers)
        x = np.concatenate([np.linspace(-30, 30, 20_001), f.knots, [-1e6, 1e6]])
        y = forward(layers, x)
        scale = 1 + np.abs(x) * np.abs(f.slopes).max()
        assert np.max(np.abs(f(x) - y) / scale) < 1e-13
        np.testing.assert_allclose(
            f.values, forward(layers, f.knots), atol=1e-12 * (1 + np.abs(f.values).max(initial=0))
        )


@pytest.mark.parametrize("widths", WIDTHS)
def test_every_change_of_slope_is_a_knot_and_no_other(widths):
    """Cells of a fine grid: those whose second difference is not rounding are those with a knot in them."""
    layers = kf.deep.draw(widths, np.random.default_rng(11), "he")
    f = kf.deep.knots(layers)
    x = np.linspace(-4, 4, 100_001)
    slope = np.diff(forward(layers, x)) / np.diff(x)
    exact = f.slopes[np.searchsorted(f.knots, x)]
    clean = np.searchsorted(f.knots, x[:-1]) == np.searchsorted(f.knots, x[1:])
    np.testing.assert_allclose(slope[clean], exact[:-1][clean], atol=1e-8 * np.abs(f.slopes).max())
    assert np.all(np.abs(f.jumps) > 0)
    changed = np.any(np.diff(patterns(layers, x).astype(int), axis=0) != 0, axis=1)
    assert np.all(changed[~clean])  # no knot without a unit that switches


def test_origins_are_the_layers_that_switch():
    layers = kf.deep.draw((7, 6, 5), np.random.default_rng(2), "he")
    f, origin = kf.deep.knots(layers), kf.deep.origins(layers)
    assert set(origin) <= {1, 2, 3}
    before, after = (patterns(layers, f.knots + side * 1e-9 * (1 + np.abs(f.knots))) for side in (-1, 1))
    switched = before != after
    layer_of_unit = np.repeat([1, 2, 3], [7, 6, 5])
    for row, made in zip(switched, origin, strict=True):
        assert layer_of_unit[row].min() == made


def test_one_hidden_layer_is_the_cpwl_of_the_network():
    net = kf.initial.pytorch(30, np.random.default_rng(4))
    ours, theirs = kf.deep.knots(net), net.cpwl()
    np.testing.assert_allclose(ours.knots, theirs.knots, rtol=1e-14)
    np.testing.assert_allclose(ours.slopes, theirs.slopes, atol=1e-14)
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-12)


def test_knots_of_a_zigzag():
    """Telgarsky's tent iterated: 2^depth pieces on [0, 1], with slopes +-2^depth and knots at multiples of 2^-depth."""
    again = (np.array([[2.0, -2.0], [4.0, -4.0]]), np.array([0.0, -2.0]))
    layers = [(np.array([[2.0], [4.0]]), np.array([0.0, -2.0])), again, again, (np.array([[1.0, -1.0]]), np.zeros(1))]
    f = kf.deep.knots(layers)
    inside = (f.knots > 0) & (f.knots < 1)
    np.testing.assert_allclose(f.knots[inside], np.arange(1, 8) / 8, rtol=1e-15)
    np.testing.assert_allclose(np.abs(f.slopes[1:-1][: inside.sum()]), 8, rtol=1e-15)


def test_units_that_share_a_knot_or_cancel():
    layers = [
        (np.array([[1.0], [3.0], [1.0], [-2.0]]), np.array([-0.1, -0.3, -0.1, 0.7])),
        (np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]), np.array([0.0, 0.0])),
        (np.array([[1.0, 0.0]]), np.zeros(1)),
    ]
    f = kf.deep.knots(layers)
    np.testing.assert_allclose(f.knots, [0.1], rtol=1e-14)
    np.testing.assert_allclose(f.slopes, [0, 4], atol=1e-14)
    twice = [layers[0], (np.array([[1.0, 0.0, -1.0, 0.0]]), np.zeros(1))]
    assert len(kf.deep.knots(twice).knots) == 0


def test_degenerate_networks():
    affine = kf.deep.knots([([[2.0]], [1.0])])
    assert len(affine.knots) == 0
    np.testing.assert_allclose(affine([-1.0, 3.0]), [-1, 7])
    dead = kf.deep.knots([([[0.0], [0.0]], [-1.0, 0.0]), ([[1.0, 1.0]], [0.5])])
    assert len(dead.knots) == 0
    np.testing.assert_allclose(dead([-1.0, 3.0]), 0.5)
    unbiased = kf.deep.knots([([[1.0], [-1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0]), ([[3.0]], [0.0])])
    np.testing.assert_allclose(unbiased.knots, [0.0])


def test_scaling_the_input_scales_the_knots():
    layers = kf.deep.draw((9, 9, 9), np.random.default_rng(3))
    small = [(layers[0][0] * 1e6, layers[0][1]), *layers[1:]]
    f, g = kf.deep.knots(layers), kf.deep.knots(small)
    np.testing.assert_allclose(g.knots * 1e6, f.knots, rtol=1e-9)
    np.testing.assert_allclose(g.slopes, 1e6 * f.slopes, rtol=1e-9)


def test_initial_knots_by_depth():
    """Sahs et al. 2022, figure 12, corrected: the jumps shrink with depth for PyTorch's start only."""
    rng = np.random.default_rng(0)
    spread = {
        start: [np.std(kf.deep.initial_knots((40,) * depth, 20, rng, start).jumps) for depth in (1, 2, 3)]
        for start in ("pytorch", "he")
    }
    np.testing.assert_allclose(spread["pytorch"], [0.052, 0.021, 0.0088], rtol=0.15)
    np.testing.assert_allclose(spread["he"], [0.32, 0.30, 0.30], rtol=0.25)
    three = kf.deep.initial_knots((40, 40, 40), 20, rng)
    for layer in (1, 2, 3):
        knots, jumps = three.of_layer(layer)
        assert 30 < len(knots) / 20 < 50
        assert len(knots) == len(jumps)
    assert len(three.knots) == len(three.jumps) == len(three.layers)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "layers is empty"),
        (3, "layers is of type int: it must be a sequence of"),
        ([([[1.0, 2.0]], [0.0])], r"layers\[0\]\[0\] has shape \(1, 2\): it must be \(outputs, 1\), because a network"),
        (
            [([[1.0], [2.0]], [0.0, 0.0]), ([[1.0]], [0.0])],
            r"layers\[1\]\[0\] has shape \(1, 1\): .* layer 0 has 2 outputs",
        ),
        ([([[1.0], [2.0]], [0.0])], r"layers\[0\]\[1\] has shape \(1,\): it must be \(2,\)"),
        ([([[1.0], [2.0]], [0.0, 0.0])], r"layers\[0\]\[0\] has 2 rows: the last layer must have one output"),
        ([([[np.nan]], [0.0])], r"layers\[0\]\[0\]\[0, 0\] is nan"),
    ],
)
def test_input_errors(layers, message):
    with pytest.raises(kf.InputError, match=message):
        kf.deep.knots(layers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: kf.deep.draw((3, 0), rng), r"widths\[1\] is 0: it must be a whole number of at least 1"),
        (lambda rng: kf.deep.draw((3,), rng, "glorot"), "start is 'glorot': it must be one of 'pytorch', 'he'"),
        (lambda rng: kf.deep.initial_knots((3,), 0, rng), "networks is 0: it must be a whole number of at least 1"),
    ],
)
def test_input_errors_of_starts(call, message):
    with pytest.raises(kf.InputError, match=message):
        call(np.random.default_rng(0))


def test_repr_of_initial_knots():
    found = kf.deep.initial_knots((3,), 2, np.random.default_rng(0))
    assert repr(found).startswith(f"InitialKnots({len(found.knots)} knots in [")
    assert len(repr(found)) < 90
    assert repr(kf.deep.InitialKnots(*np.zeros((3, 0)))) == "InitialKnots(0 knots)"
