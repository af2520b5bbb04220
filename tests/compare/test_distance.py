"""Distances to the splines against a fine grid, quadrature and the sup-distance of the summary."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

import knotflow as kf
from knotflow import splines
from knotflow.compare import sup_distance
from knotflow.data import Samples, datasets
from knotflow.errors import InputError

DATA = Samples([-2.0, -1.7, 0.1, 0.1, 0.4, 3.0, 4.0], [1.0, 4.0, -2.0, 0.0, 0.5, 0.25, 3.0])
NET = kf.ReLUNet([1.0, -0.5, 2.0, -1.0], [0.3, -0.7, 4.5, 3.0], [1.0, 3.0, -0.8, 1.0], norm=2.0, bias=0.2)


def test_a_network_against_a_grid_and_quadrature():
    found = splines.compare(NET, DATA, density="gaussian", lam=0.3, penalty=1e-4)
    members = {
        "natural": splines.natural(DATA),
        "linear": splines.linear(DATA),
        "weighted": splines.weighted(DATA, "gaussian"),
        "smoothing": splines.smoothing(DATA, penalty=1e-4),
        "tv": splines.tv(DATA, 0.3),
    }
    assert list(found) == list(members)
    x = np.linspace(*DATA.range, 400_001)
    cuts = np.unique(np.concatenate([DATA.x, NET.knots[(NET.knots > -2) & (NET.knots < 4)]]))
    for name, g in members.items():
        difference = NET(x) - g(x)
        assert found[name].sup == pytest.approx(np.abs(difference).max(), rel=1e-8)
        parts = [quad(lambda t, g=g: (NET(t) - g(t)) ** 2, a, b)[0] for a, b in pairwise(cuts)]
        assert found[name].l2 == pytest.approx(np.sqrt(sum(parts)), rel=1e-9)
        slopes = np.diff(difference) / np.diff(x)
        assert found[name].curvature == pytest.approx(np.abs(np.diff(slopes)).sum(), rel=1e-3)


@pytest.mark.parametrize("data", [DATA, datasets.motorcycle()])
def test_the_sup_distance_is_that_of_the_summary(data):
    found = splines.compare(NET, data, lam=1.0)
    assert found["natural"].sup == pytest.approx(sup_distance(NET, splines.natural(data)), rel=1e-13)
    assert found["linear"].sup == pytest.approx(sup_distance(NET, splines.linear(data)), rel=1e-13)


def test_a_spline_is_at_distance_zero_from_itself():
    found = splines.compare(splines.natural(DATA), DATA, lam=0.0)
    assert tuple(found["natural"]) == (0, 0, 0)
    assert found["linear"] == found["tv"]
    polygon = splines.compare(splines.linear(DATA), DATA, lam=0.0)
    assert max(polygon["tv"]) == 0
    assert found["linear"].sup == pytest.approx(polygon["natural"].sup, rel=1e-12)
    curved = splines.natural(DATA).derivative(2)
    through = np.abs(np.diff(splines.linear(DATA).derivative()(DATA.distinct.x[:-1]))).sum()
    parts = [quad(lambda t: abs(curved(t)), a, b)[0] for a, b in pairwise(DATA.distinct.x)]
    assert polygon["natural"].curvature == pytest.approx(through + sum(parts), rel=1e-7)


def test_any_function_is_read_off_on_a_grid():
    found = splines.compare(np.sin, DATA, lam=0.3)
    x = np.linspace(*DATA.range, 100_001)
    g = splines.natural(DATA)
    assert found["natural"].sup == pytest.approx(np.abs(np.sin(x) - g(x)).max(), rel=1e-5)
    assert found["natural"].l2 == pytest.approx(np.sqrt(np.mean((np.sin(x) - g(x)) ** 2) * 6), rel=1e-4)
    bends = quad(lambda t: abs(-np.sin(t) - g.derivative(2)(t)), -2, 4, points=DATA.distinct.x[1:-1], limit=200)[0]
    assert found["natural"].curvature == pytest.approx(bends, rel=1e-2)
    flat = splines.compare(lambda x: 2.0, DATA, lam=0.3)
    assert flat["linear"].sup == 3.0


def test_networks_and_their_polygons_are_the_same():
    assert splines.compare(NET, DATA, lam=1.0) == splines.compare(NET.cpwl(), DATA, lam=1.0)


def test_the_tv_spline_is_as_far_from_the_data_as_the_smoothing_spline():
    data = datasets.motorcycle()
    smooth = splines.smoothing(data)
    found = splines.compare(smooth, data)
    d = data.distinct
    squares = np.sum(d.weight * (smooth(d.x) - d.y) ** 2)
    lams = 10.0 ** np.linspace(-1, 3, 81)
    rivals = {lam: np.sum(d.weight * (splines.tv(data, lam)(d.x) - d.y) ** 2) for lam in lams}
    lam = min(rivals, key=lambda each: abs(rivals[each] - squares))
    near = splines.compare(smooth, data, lam=lam)
    assert found["tv"].sup == pytest.approx(near["tv"].sup, rel=0.1)
    assert tuple(found["smoothing"]) == (0, 0, 0)


def test_data_on_a_line():
    found = splines.compare(lambda x: 2 * x, Samples([0, 1, 2.0, 5], [0, 2, 4.0, 10]))
    assert all(max(each) <= 1e-9 for each in found.values())


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (3, r"^f is 3: it must be a function of an array, or a network or a spline$"),
        (lambda x: x[:3], r"^f does not map an array of x to an array of that shape: "),
        (
            lambda x: np.where(x == -1.7, np.inf, x),
            r"^f is inf at x = -1\.7: it must be finite over the range of the data$",
        ),
    ],
)
def test_functions_that_are_refused(f, message):
    with pytest.raises(InputError, match=message):
        splines.compare(f, DATA)
