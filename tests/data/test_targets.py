"""The target functions of the papers."""

from __future__ import annotations

import numpy as np
import pytest

from knotflow.data import targets


def test_targets_are_named_and_fixed():
    assert list(targets) == [
        *("square_wave", "sine", "quadratic", "cubic", "arctan", "exponential", "sawtooth"),
        *("smooth_gap", "sharp_gap"),
    ]
    assert len(targets) == 9
    assert targets["sine"] is targets.sine
    assert targets.sine.__name__ == "sine"
    assert repr(targets).startswith("Catalogue(square_wave, sine, ")
    with pytest.raises(AttributeError, match="cannot set 'sine'"):
        targets.sine = np.sin
    with pytest.raises(AttributeError, match="no attribute 'sin'"):
        _ = targets.sin


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("square_wave", [-1, -0.1, 0.4, 0.5, 1.0], [1, -1, 1, -1, 1]),
        ("sine", [-2, -0.5, 0, 0.5, 1 / 6], [0, -1, 0, 1, 0.5]),
        ("quadratic", [-2, 0, 3], [2, 0, 4.5]),
        ("cubic", [-2, -1, 0, 1, 2], [8 * -1 / 3 + 3, 2 / 3, 0, 1 / 3, 8 / 3 + 1]),
        ("arctan", [-1, 0, 1], [-np.pi / 4, 0, np.pi / 4]),
        ("exponential", [0, 2 * np.log(3)], [1, 3]),
        ("sawtooth", [-2, -1.75, -1.5, -0.5, 0, 0.5, 1.5, 1.75, 2], [-1, 0, 1, 1, -1, 1, 1, 0, -1]),
        ("smooth_gap", [-2, -0.5, 0, 0.5, 2], [-1.5, -0.75, 0, 0.75, 1.5]),
        ("sharp_gap", [-2, -0.5, 0, 0.5, 2], [-0.5, -1.25, 0, 1.25, 0.5]),
    ],
)
def test_targets_take_the_papers_values(name, x, y):
    np.testing.assert_allclose(targets[name](x), y, rtol=0, atol=1e-15)


def test_the_sawtooth_is_as_far_from_flat_as_the_paper_has_it():
    assert np.sum(targets.sawtooth(np.linspace(-2, 2, 401)) ** 2) == pytest.approx(134, abs=0.5)
