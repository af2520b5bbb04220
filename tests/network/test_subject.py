"""The check that something is a network and something its data, and what they give together."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.nets import dense
from knotflow.network import subject

NET = kf.ReLUNet([1.0, -2.0, 0.0], [0.5, 1.0, -1.0], [3.0, 1.0, 2.0], norm=2.0, bias=0.1)
DATA = kf.Samples([0.0, 1.0, 1.0, 3.0], [1.0, 2.0, 4.0, -1.0])


def test_a_function_of_a_network_and_samples_refuses_all_else():
    @subject.checked
    def ends(net: kf.ReLUNet, data: kf.Samples, shift: float = 0.0) -> float:
        """What it does."""
        return float(net(data.range[1]) + shift)

    assert ends(NET, DATA, shift=1.0) == pytest.approx(dense(NET, np.array([3.0]))[0] + 1.0)
    assert (ends.__name__, ends.__doc__) == ("ends", "What it does.")
    with pytest.raises(kf.InputError, match="net is of type int: it must be a ReLUNet"):
        ends(3, DATA)
    with pytest.raises(kf.InputError, match=r"data is of type list: it must be Samples, made by Samples\(x, y\)"):
        ends(NET, [1.0, 2.0])


def test_residuals_are_at_the_distinct_samples():
    np.testing.assert_allclose(subject.residuals(NET, DATA), dense(NET, np.array([0.0, 1.0, 3.0])) - [1.0, 3.0, -1.0])


def test_which_neurons_are_active_where():
    np.testing.assert_allclose(subject.preactivations(NET, DATA.distinct.x)[1], [-1.0, -3.0, -7.0])
    np.testing.assert_array_equal(
        subject.active(NET, DATA), [[False, True, True], [False, False, False], [True, True, True]]
    )
    with pytest.raises(kf.InputError, match=r"no neuron of net is active at a sample \(x in \[0, 3\]\)"):
        subject.active(kf.ReLUNet([1.0], [5.0], [1.0]), DATA)


def test_neurons_are_numbered_as_sequences_are():
    assert [subject.neuron_index(NET, i) for i in (0, 1, -2, np.int64(1))] == [0, 1, 1, 1]
    for i, message in {
        3: r"i is 3: net has 3 neurons, so it must be in 0\.\.2",
        1.0: r"i is 1\.0: it must be the number of a neuron, an integer",
        2: "neuron 2 has a = 0: it has no knot that could move",
    }.items():
        with pytest.raises(kf.InputError, match=message):
            subject.neuron_index(NET, i)
