"""How far descent is from the flow, and what the result shows."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.methods import data, net


def test_the_gap_is_that_of_its_two_runs():
    gap = kf.gradient_flow_gap(net(), data(), 1e-3, until=0.1)
    assert gap.descent.steps[-1] == 100
    assert gap.flow.times[-1] == pytest.approx(0.1)
    grid = np.linspace(*data().range, 20_001)
    difference = gap.descent.final(grid) - gap.flow.final(grid)
    assert np.abs(difference).max() <= gap.sup <= np.abs(difference).max() * (1 + 1e-3)
    assert gap.rms == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-2)
    assert repr(gap) == f"Gap(sup={gap.sup:.2g}, rms={gap.rms:.2g}, 100 steps of lr=0.001)"


def test_the_former_name_of_until_works_and_warns():
    with pytest.warns(
        DeprecationWarning, match="the keyword T of gradient_flow_gap is deprecated: use until"
    ) as record:
        old = kf.gradient_flow_gap(net(), data(), 1e-3, T=0.1)
    assert record[0].filename == __file__
    assert old.sup == kf.gradient_flow_gap(net(), data(), 1e-3, 0.1).sup


@pytest.mark.parametrize(
    ("lr", "until", "message"),
    [
        (0.0, 1.0, r"lr is 0\.0: it must be a finite number > 0"),
        (0.1, -1.0, r"until is -1\.0: it must be a finite number > 0"),
        (0.1, None, r"until is None: it must be a finite number > 0"),
        (1.0, 0.1, r"until is 0\.1: it must be at least lr = 1, one step of descent"),
    ],
)
def test_wrong_arguments_are_refused(lr, until, message):
    with pytest.raises(kf.InputError, match=message):
        kf.gradient_flow_gap(net(), data(), lr, until)
