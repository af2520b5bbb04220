"""Total-variation splines against a bounded least-squares solver on the dual, the KKT conditions and their units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from knotflow import splines
from knotflow.data import Samples, datasets
from knotflow.errors import InputError


@st.composite
def samples(draw: st.DrawFn, most: int = 14) -> Samples:
    """Uneven gaps, uneven weights, some ties; y from a few whole numbers or from a normal law."""
    gaps = draw(st.lists(st.floats(0.02, 3), min_size=1, max_size=most))
    knots = draw(st.floats(-20, 20)) + np.cumsum([0.0, *gaps])
    x = np.concatenate([knots, draw(st.lists(st.sampled_from(knots.tolist()), max_size=3))])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.integers(0, 3, len(x)) if draw(st.booleans()) else rng.normal(size=len(x))
    return Samples(x, y, rng.uniform(0.2, 5, len(x)))


penalties = st.floats(-6, 2).map(lambda power: 10.0**power)


def slope_changes(x: np.ndarray) -> np.ndarray:
    """(s - 2, s): the matrix D whose product with f at the samples is the polygon's changes of slope."""
    h, s = np.diff(x), len(x)
    d = np.zeros((s - 2, s))
    for j in range(s - 2):
        d[j, j : j + 3] = 1 / h[j], -1 / h[j] - 1 / h[j + 1], 1 / h[j + 1]
    return d


def by_the_dual(data: Samples, lam: float) -> np.ndarray:
    """f at the distinct x: y - D'z / w with z of least |D'z / sqrt w - sqrt w y| in a box, by SciPy's BVLS."""
    d = data.distinct
    if len(d.x) == 2:
        return d.y
    root, matrix = np.sqrt(d.weight), slope_changes(d.x).T
    scale = 1 / np.linalg.norm(matrix / root[:, None], axis=0)
    bounds = lam / scale
    z = scale * lsq_linear(matrix / root[:, None] * scale, root * d.y, (-bounds, bounds), "bvls", tol=1e-15).x
    return d.y - matrix @ z / d.weight


@given(samples(), penalties)
def test_values_are_those_of_a_convex_solver(data, lam):
    f = splines.tv(data, lam)
    expected = by_the_dual(data, lam)
    np.testing.assert_allclose(f(data.distinct.x), expected, rtol=0, atol=1e-8 * (1 + np.abs(data.y).max()))


@given(samples(40), penalties)
def test_the_optimality_conditions_hold(data, lam):
    """The residuals' second sum z stays within lam, and is +-lam at the knots with the sign of the kink."""
    f, d = splines.tv(data, lam), data.distinct
    assert set(f.knots) <= set(d.x[1:-1])
    pull = d.weight * (d.y - f(d.x))
    z = np.array([np.sum(pull[:j] * (d.x[j] - d.x[:j])) for j in range(len(d.x))])
    size = np.sum(np.abs(pull)) * data.span + lam + np.finfo(float).eps * data.span * d.weight.sum() * np.abs(d.y).max()
    assert np.abs(z).max() <= lam + 1e-10 * size
    assert abs(z[-1]) <= 1e-10 * size
    assert abs(pull.sum()) <= 1e-10 * (np.sum(np.abs(pull)) + lam / data.span)
    slopes = np.diff(f(d.x)) / np.diff(d.x)
    kinked = np.isin(d.x[1:-1], f.knots)
    np.testing.assert_allclose(z[1:-1][kinked], lam * np.sign(np.diff(slopes)[kinked]), rtol=0, atol=1e-9 * size)


@given(samples(40), penalties)
def test_it_reports_its_objective_norm_and_gap(data, lam):
    f = splines.tv(data, lam)
    jumps = np.diff(f.derivative()(np.concatenate([[data.x[0] - 1], f.knots])))
    assert f.norm == pytest.approx(np.abs(jumps).sum(), rel=1e-9, abs=1e-12)
    squares = 0.5 * np.sum(data.weights * (f(data.x) - data.y) ** 2)
    assert f.objective == pytest.approx(squares + lam * f.norm, rel=1e-10, abs=1e-12)
    assert 0 <= f.gap <= 1e-9 * f.objective + 1e-25
    assert f.lam == lam


@given(samples(), st.sampled_from([1e-3, 0.1, 3.0]), st.floats(0.05, 20), st.floats(0.05, 20), st.floats(-9, 9))
@settings(max_examples=40)
def test_units_shifts_and_reflections(data, lam, x_unit, y_unit, shift):
    f = splines.tv(data, lam)
    at = np.linspace(data.range[0] - 1, data.range[1] + 1, 41)
    size = np.abs(f(at)).max() + np.abs(data.y).max()
    moved = Samples(shift + x_unit * data.x, y_unit * data.y, data.weights)
    np.testing.assert_allclose(
        splines.tv(moved, lam * x_unit * y_unit)(shift + x_unit * at), y_unit * f(at), rtol=0, atol=1e-7 * y_unit * size
    )
    tilted = splines.tv(Samples(data.x, data.y + shift * (1 + data.x), data.weights), lam)
    far = 1 + np.abs(shift * at).max()
    np.testing.assert_allclose(tilted(at), f(at) + shift * (1 + at), rtol=0, atol=1e-7 * (size + far))
    mirrored = splines.tv(Samples(-data.x, -data.y, data.weights), lam)
    np.testing.assert_allclose(mirrored(-at), -f(at), rtol=0, atol=1e-7 * size)
    scaled = splines.tv(Samples(data.x, data.y, 8 * data.weights), 8 * lam)
    np.testing.assert_allclose(scaled(at), f(at), rtol=0, atol=1e-7 * size)


def test_a_weight_of_two_is_the_sample_twice():
    rng = np.random.default_rng(2)
    x, y, w = np.arange(30.0), rng.normal(size=30), rng.integers(1, 4, 30)
    a = splines.tv(Samples(x, y, w), 2.0)
    b = splines.tv(Samples(np.repeat(x, w), np.repeat(y, w)), 2.0)
    np.testing.assert_allclose(a(x), b(x), rtol=1e-10)
    np.testing.assert_array_equal(a.knots, b.knots)


def test_from_the_interpolant_to_the_line():
    data = datasets.motorcycle()
    at = np.linspace(0, 70, 300)
    zero = splines.tv(data, 0)
    np.testing.assert_array_equal(zero(at), splines.linear(data)(at))
    np.testing.assert_allclose(splines.tv(data, 1e-9)(at), zero(at), rtol=0, atol=1e-6)
    assert (zero.gap, zero.objective) == (0.0, data.distinct.within)
    knots = [len(splines.tv(data, lam).knots) for lam in (0, 1, 10, 100, 1e3, 1e6)]
    assert knots == sorted(knots, reverse=True)
    line = splines.tv(data, 1e6)
    assert len(line.knots) == 0
    assert line.norm == 0
    np.testing.assert_allclose(line(at), np.polyval(np.polyfit(data.x, data.y, 1), at), rtol=0, atol=1e-9)
    np.testing.assert_allclose(splines.tv(data, 1e300)(at), line(at), rtol=0, atol=1e-9)


@pytest.mark.parametrize("lam", [0, 1e-6, 0.3, 1e9])
@pytest.mark.parametrize("y", [np.full(7, 2.5), 1e9 + 0.5 * np.arange(7.0), 1 - 3 * np.arange(7.0)])
def test_a_constant_and_a_line_are_left_alone(lam, y):
    f = splines.tv(Samples(1e6 + np.arange(7.0), y), lam)
    rounding = np.finfo(float).eps * np.abs(y).max()  # of the largest value: the line is one for all of them
    np.testing.assert_allclose(f(1e6 + np.arange(7.0)), y, rtol=0, atol=rounding)
    assert len(f.knots) == 0


def test_three_points_by_hand():
    """One kink of size 2 (y_1 up by lam 2/... ): f = y - D'z with z = lam while the jump keeps its sign."""
    data = Samples([0, 1, 2], [0, 1, 0])
    f = splines.tv(data, 0.1)  # D = (1, -2, 1), jump -2, z = -0.1
    np.testing.assert_allclose(f([0, 1, 2]), [0.1, 0.8, 0.1], rtol=1e-13)
    assert f.norm == pytest.approx(1.4, rel=1e-13)
    np.testing.assert_allclose(splines.tv(data, 1 / 3)([0, 1, 2]), [1 / 3] * 3, rtol=1e-13)  # jump 0 from here on
    np.testing.assert_allclose(splines.tv(Samples([0, 2], [1, 5]), 3)([0, 1, 2]), [1, 3, 5], rtol=1e-13)


@pytest.mark.parametrize("offset", [-1e9, 1e9])
def test_data_far_from_zero(offset):
    x, y = np.arange(20.0) / 64, np.sin(np.arange(20.0))
    near, far = splines.tv(Samples(x, y), 0.01), splines.tv(Samples(offset + x, y), 0.01)
    np.testing.assert_allclose(far(offset + x), near(x), rtol=0, atol=1e-11)


@pytest.mark.parametrize("power", [-800, -300, 300, 800])
def test_extreme_units(power):
    x, y = np.array([0, 1, 1.5, 4, 7, 7.5]), np.array([1, -2, 0, 3, 3, 1.0])
    f = splines.tv(Samples(x, y), 0.25)
    g = splines.tv(Samples(np.ldexp(x, power), y), np.ldexp(0.25, power))
    np.testing.assert_allclose(g(np.ldexp(x, power)), f(x), rtol=1e-13)


@pytest.mark.parametrize("kind", ["noise", "alternating", "bits", "walk", "sine"])
@pytest.mark.parametrize("lam", [1e-8, 1e-4, 1e-2, 1.0])
def test_larger_problems_come_with_their_proof(kind, lam):
    rng, n = np.random.default_rng(1), 3000
    x = np.linspace(0, 1, n) if kind != "noise" else np.sort(rng.random(n))
    y = {
        "noise": np.abs(x - 0.3) + 0.1 * rng.normal(size=n),
        "alternating": np.where(np.arange(n) % 2, 1.0, -1.0),
        "bits": rng.integers(0, 2, n) * 1.0,
        "walk": np.cumsum(np.cumsum(rng.normal(size=n))) / n**1.5,
        "sine": np.sin(40 * x),
    }[kind]
    f = splines.tv(Samples(x, y), lam)
    assert f.gap <= 1e-10 * f.objective


def test_it_is_a_spline_that_says_what_it_is():
    f = splines.tv(datasets.motorcycle(), 100.0)
    for lam, weight in ((0, None), (100.0, None), (100.0, "canonical")):
        assert not splines.tv(datasets.motorcycle(), lam, weight=weight).knots.flags.writeable
    assert repr(f) == "TVSpline(lam 100, 10 knots, norm 90.3022)"
    assert repr(splines.tv(datasets.motorcycle(), 1e6).derivative()) == "Spline(degree 0, 0 knots)"
    assert f.derivative().integral(10, 40) == pytest.approx(float(f(40) - f(10)), rel=1e-12)
    x = np.array([f.knots[0] - 5, f.knots[-1] + 5])
    np.testing.assert_array_equal(f.derivative()(x + 100 * np.sign(x - 30)), f.derivative()(x))


@pytest.mark.parametrize(
    ("lam", "message"),
    [
        (-0.5, r"^lam is -0\.5: it must be a finite number >= 0$"),
        (np.nan, r"^lam is nan: it must be a finite number >= 0$"),
        (np.inf, r"^lam is inf: it must be a finite number >= 0$"),
        ("1", r"^lam is '1': it must be a finite number >= 0$"),
    ],
)
def test_penalties_that_are_refused(lam, message):
    with pytest.raises(InputError, match=message):
        splines.tv(datasets.nile(), lam)


def test_other_arguments_that_are_refused():
    with pytest.raises(InputError, match=r"^weight is 'round': it must be one of 'canonical'$"):
        splines.tv(datasets.nile(), 1.0, weight="round")
    with pytest.raises(InputError, match=r"^data is of type tuple"):
        splines.tv((1, 2), 1.0)


@pytest.mark.parametrize("weight", [None, "canonical"])
@pytest.mark.parametrize("lam", [0.0, 1e-3, 10.0, 1e7])
def test_the_network_is_the_function(weight, lam):
    data = Samples([-2.0, -1.5, -0.2, 0.1, 1.0, 2.5], [3.0, 1.0, 0.5, 2.0, -1.0, 0.0], [1.0, 2.0, 1.0, 0.5, 1.0, 1.0])
    f = splines.tv(data, lam, weight=weight)
    net = f.network(norm=3.0)
    x = np.linspace(data.x[0] - 50, data.x[-1] + 50, 501)
    np.testing.assert_allclose(net(x), f(x), rtol=0, atol=1e-9 * np.abs(f(x)).max())
    assert net.norm == 3.0
    if weight:
        assert np.sum(np.abs(net.c) * np.hypot(net.a, net.b)) / net.norm == pytest.approx(f.norm, rel=1e-12)
    with pytest.raises(InputError, match=r"^norm is 0: it must be a finite number > 0$"):
        f.network(norm=0)


@pytest.mark.parametrize("lam", [0.0, 1e-15, 1e-12, 1e-3])
def test_the_network_where_f_is_0_up_to_rounding(lam):
    data = Samples([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 0.0, 0.0, 0.0, 1.0, 5.1])
    f = splines.tv(data, lam)
    np.testing.assert_allclose(f.network()(data.x), f(data.x), rtol=0, atol=1e-12)


def test_the_weight_by_position_warns():
    with pytest.warns(DeprecationWarning, match=r"tv .* by position is deprecated: use keywords: weight="):
        splines.tv(datasets.nile(), 1.0, None)
