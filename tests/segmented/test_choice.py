"""How many pieces."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from knotflow.segmented import bic, cross_validation


def polygon(noise: float, n: int = 121, seed: int = 1) -> kf.Samples:
    """Noise on three lines that meet at samples."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 10, n)
    return kf.Samples(x, np.interp(x, [0, 3, 6, 10], [0, 4, -3, 2]) + noise * rng.standard_normal(n))


@pytest.mark.slow
@pytest.mark.parametrize("continuous", [False, True])
def test_the_number_of_pieces_of_a_polygon_is_found(continuous):
    data = [polygon(0.2, seed=seed) for seed in range(5)]
    options = {"continuous": continuous, "min_length": 5}
    found = {rule: [kf.segmented.choose(d, 6, rule=rule, **options).pieces for d in data] for rule in ("bic", "cv")}
    assert min(found["bic"] + found["cv"]) >= 3
    assert np.median(found["bic"]) == 3
    assert np.median(found["cv"]) <= 4  # cross-validation takes a piece too many more often


@pytest.mark.parametrize("rule", ["bic", "cv"])
def test_without_structure_there_is_one_piece(rule):
    rng = np.random.default_rng(3)
    data = kf.Samples(np.arange(80.0), 2 + rng.standard_normal(80))
    assert kf.segmented.choose(data, 5, rule=rule, continuous=True, min_length=5).pieces == 1


def test_exact_polygon_needs_no_more_pieces_than_it_has():
    assert kf.segmented.choose(polygon(0.0), 8).pieces == 3


def test_bic_is_its_formula():
    data = polygon(0.2)
    fit = kf.segmented.optimal(data, 4, continuous=True)
    assert bic(fit, data, continuous=True) == pytest.approx(121 * np.log(fit.error / 121) + 8 * np.log(121), rel=1e-12)
    loose = kf.segmented.optimal(data, 4)
    assert bic(loose, data) == pytest.approx(121 * np.log(loose.error / 121) + 11 * np.log(121), rel=1e-12)
    weighted = kf.Samples(data.x, data.y, np.full(121, 2.0))
    twice = kf.Samples(np.tile(data.x, 2), np.tile(data.y, 2))
    one, other = (bic(kf.segmented.optimal(d, 3, continuous=True), d, continuous=True) for d in (weighted, twice))
    assert one == pytest.approx(other, rel=1e-12)


def test_cross_validation_is_its_definition():
    data = polygon(0.3, n=24)
    errors = cross_validation(data, 3, folds=4)
    expected = np.zeros(3)
    for fold in range(4):
        out = np.arange(24) % 4 == fold
        train = kf.Samples(data.x[~out], data.y[~out])
        for k in range(3):
            expected[k] += np.sum((kf.segmented.optimal(train, k + 1)(data.x[out]) - data.y[out]) ** 2)
    np.testing.assert_allclose(errors, expected, rtol=1e-9)


def test_cross_validation_tries_what_the_training_sets_allow():
    data = kf.Samples([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    assert len(cross_validation(data, 6, folds=2)) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: kf.segmented.choose(d, 2, rule="aic"), "rule is 'aic': it must be one of 'bic', 'cv'"),
        (
            lambda d: kf.segmented.choose(d, 9),
            "pieces is 9: it must be at most 4, because a fit to 4 distinct x has",
        ),
        (lambda d: kf.segmented.choose(d, 2, rule="cv", folds=3), "folds is 3: it must be between 2 and half"),
        (lambda d: kf.segmented.choose(d, 2, rule="cv", folds=1), "folds is 1: it must be between 2 and half"),
    ],
)
def test_input_errors(call, message):
    with pytest.raises(kf.InputError, match=message):
        call(kf.Samples([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0]))
