"""What all views have in common: they lead back to a network, and the old names say what the new ones are."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from knotflow.network import BDSO, CPWL, Canonical

NET = kf.ReLUNet([1.0, -2.0, 0.5], [0.5, 1.0, -1.0], [3.0, 1.0, -2.0], norm=2.0, bias=0.1)
X = np.linspace(-4, 4, 33)
VIEWS = {"Canonical": (Canonical, NET.canonical()), "BDSO": (BDSO, NET.bdso()), "CPWL": (CPWL, NET.cpwl())}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_leads_back_to_a_network(name):
    _, view = VIEWS[name]
    back = view.network()
    assert isinstance(back, kf.ReLUNet)
    np.testing.assert_allclose(back(X), NET(X), rtol=1e-13, atol=1e-13)
    again = getattr(kf.ReLUNet, f"from_{name.lower()}")(view)
    for field in ("a", "b", "c", "norm", "bias"):
        np.testing.assert_array_equal(getattr(again, field), getattr(back, field))
        np.testing.assert_array_equal(getattr(view.lift(), field), getattr(back, field))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_made_of_parameters(name):
    kind, view = VIEWS[name]
    alike = kind.of(list(NET.a), NET.b, NET.c, NET.norm, NET.bias)
    for field in vars(view):
        np.testing.assert_array_equal(getattr(alike, field), getattr(view, field))


@pytest.mark.parametrize("name", VIEWS)
def test_the_old_names_still_work_and_name_the_new_ones(name):
    kind, view = VIEWS[name]
    with pytest.warns(
        DeprecationWarning, match=rf"^{name}\.to_net\(\) is deprecated: use {name}\.network\(\)$"
    ) as caught:
        back = view.to_net()
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(back.c, view.network().c)
    with pytest.warns(
        DeprecationWarning, match=rf"^{name}\.of\(net\) is deprecated: use net\.{name.lower()}\(\)$"
    ) as caught:
        alike = kind.of(NET)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(alike.knots, view.knots)
