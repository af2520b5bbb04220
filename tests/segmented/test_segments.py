"""The result: its conventions, its way to a network and back."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from knotflow.segmented import Segments


def noisy(n: int = 40, seed: int = 0) -> kf.Samples:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-3, 5, n))
    return kf.Samples(x, np.sin(x) + 0.3 * rng.standard_normal(n))


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_continuous_fit_is_a_network_exactly(pieces):
    data = noisy()
    fit = kf.segmented.optimal(data, pieces, continuous=True)
    net = fit.network(norm=3.0)
    assert isinstance(net, kf.ReLUNet)
    assert net.norm == 3.0
    x = np.concatenate([np.linspace(-30, 30, 999), fit.knots])
    np.testing.assert_allclose(net(x), fit(x), atol=1e-12)
    np.testing.assert_allclose(fit(fit.knots), fit.values, atol=1e-14)
    assert 2 * net.loss(data) == pytest.approx(fit.error, rel=1e-10)

    back = Segments.of(net, data)
    assert back.pieces == pieces
    np.testing.assert_allclose(back.knots, fit.knots, rtol=1e-12)
    np.testing.assert_allclose(back.slopes, fit.slopes, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back.values, fit.values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(back(x), fit(x), atol=1e-12)
    assert back.error == pytest.approx(fit.error, rel=1e-10)
    assert back.loss == pytest.approx(net.loss(data), rel=1e-12)


@pytest.mark.parametrize("ramp", [0.01, 0.5, 0.99])
def test_a_ramp_keeps_the_values_at_the_samples(ramp):
    data = noisy()
    fit = kf.segmented.optimal(data, 6)
    assert not fit.continuous
    net = fit.network(ramp)
    np.testing.assert_allclose(net(data.x), fit(data.x), atol=1e-9)
    assert 2 * net.loss(data) == pytest.approx(fit.error, rel=1e-9)
    assert len(net.cpwl().knots) == 5 + np.count_nonzero(fit.gaps)


def test_gaps_are_the_jumps_of_the_function():
    fit = kf.segmented.optimal(noisy(), 6)
    step = 1e-9
    np.testing.assert_allclose(fit(fit.knots) - fit(fit.knots - step), fit.gaps, atol=1e-6)
    np.testing.assert_allclose(fit(fit.knots), fit.values, atol=1e-14)


def test_lines_that_meet_between_two_samples_have_their_knot_there():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    fit = kf.segmented.optimal(kf.Samples(x, np.abs(x - 2.25)), 2)
    np.testing.assert_allclose(fit.knots, [2.25], rtol=1e-14)
    assert fit.continuous
    np.testing.assert_allclose(fit.network()(x), np.abs(x - 2.25), atol=1e-14)
    np.testing.assert_allclose(fit.network().cpwl().knots, [2.25], rtol=1e-12)


@pytest.mark.parametrize("y", [np.abs(np.arange(6.0) - 2), np.arange(6.0) * (np.arange(6.0) > 2)])
def test_lines_that_meet_at_a_sample_meet(y):
    fit = kf.segmented.optimal(kf.Samples(np.arange(6.0), y), 2)
    np.testing.assert_allclose(fit(np.arange(6.0)), y, atol=1e-14)
    assert fit.error < 1e-28


def test_a_network_with_coincident_knots_and_no_knots():
    data = noisy()
    net = kf.ReLUNet([1.0, 1.0, -2.0], [0.5, 0.5, -1.0], [1.0, 2.0, 0.3], bias=0.7)
    fit = Segments.of(net, data)
    assert fit.pieces == 2
    np.testing.assert_allclose(fit(data.x), net(data.x), atol=1e-12)
    flat = Segments.of(kf.ReLUNet([0.0], [0.0], [1.0], bias=0.7), data)
    assert flat.pieces == 1
    np.testing.assert_allclose(flat([-9.0, 9.0]), 0.7)
    np.testing.assert_allclose(flat.network()([-9.0, 9.0]), 0.7)


def test_values_do_not_change():
    fit = kf.segmented.optimal(noisy(), 3)
    for name in ("knots", "slopes", "centres", "levels", "room"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(fit, name)[0] = 1.0


def test_repr():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    fit = kf.segmented.optimal(kf.Samples(x, [0.0, 0.0, 1.0, 1.0]), 2)
    assert repr(fit) == "Segments(2 pieces, 1 gap, knots in [1.5, 1.5]; error=0)"


def test_input_errors():
    data = noisy()
    fit = kf.segmented.optimal(data, 6)
    with pytest.raises(
        kf.InputError,
        match=r"ramp is None: it must be .* jumps at \d+ of its knots, first at x = .*, and no",
    ):
        fit.network()
    with pytest.raises(kf.InputError, match=r"ramp is 1\.0: it must be a finite number > 0 and < 1"):
        fit.network(1.0)
    with pytest.raises(kf.InputError, match="net is of type int: it must be a ReLUNet"):
        Segments.of(3, data)
    with pytest.raises(kf.InputError, match="data is of type int: it must be Samples"):
        Segments.of(kf.segmented.optimal(data, 1).network(), 3)
    close = kf.Samples([0.0, 1.0, np.nextafter(1.0, 2), 2.0], [0.0, 0.0, 1.0, 1.0])
    with pytest.raises(kf.InputError, match="the gap at x = 1 is between samples too close for a ramp"):
        kf.segmented.optimal(close, 2, min_length=2).network(0.5)


def test_former_ways_of_calling_warn_and_give_the_same():
    data = noisy()
    fit = kf.segmented.optimal(data, 3, continuous=True)
    with pytest.warns(DeprecationWarning, match=r"Segments\.net\(\) is deprecated: use Segments\.network\(\)"):
        net = fit.net(norm=2.0)
    np.testing.assert_array_equal(net.c, fit.network(norm=2.0).c)
    keywords = r"giving optimal its continuous by position is deprecated: use keywords: continuous=\.\.\."
    with pytest.warns(DeprecationWarning, match=keywords):
        assert kf.segmented.optimal(data, 3, True).error == fit.error
    with pytest.warns(DeprecationWarning, match=r"continuous=\.\.\., min_length=\.\.\."):
        assert len(kf.segmented.path(data, 3, True, 2)) == 3
    with pytest.warns(DeprecationWarning, match=r"rule=\.\.\."):
        kf.segmented.choose(data, 3, "bic")
    with pytest.warns(DeprecationWarning, match=r"continuous=\.\.\."):
        assert kf.segmented.bic(fit, data, True) == kf.segmented.bic(fit, data, continuous=True)
    with pytest.warns(DeprecationWarning, match=r"continuous=\.\.\."):
        kf.segmented.cross_validation(data, 2, True)
    with pytest.warns(DeprecationWarning, match=r"tau=\.\.\., gamma=\.\.\."):
        kf.segmented.greedy(data, 3, 1.0, 2.0)
    with pytest.raises(TypeError, match="positional argument"):
        kf.segmented.bic(fit, data, True, False)
