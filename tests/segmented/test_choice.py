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


# -- few samples -----------------------------------------------------------------------------------------

TENT = [0.1728, 1.4108, 2.1652, 2.3484, 4.4527, 5.2232, 5.7315, 7.2906, 8.1823, 9.1471]
TENT += [10.0142, 9.7178, 8.5207, 8.2519, 7.5367, 7.5216, 6.6865, 5.9649, 5.1646, 4.8714]


def two_lines(n: int, rng: np.random.Generator) -> kf.Samples:
    """Two lines that meet, or do not, at a place and with slopes that vary; noise of deviation 0.5."""
    x = np.arange(float(n))
    at, left, right = n * rng.uniform(0.35, 0.65), rng.uniform(0.5, 1.5), -rng.uniform(0.5, 1.5)
    y = np.where(x < at, left * (x - at), right * (x - at) - rng.choice([0.0, 2.0]))
    return kf.Samples(x, y + 0.5 * rng.standard_normal(n))


@pytest.mark.parametrize("most", range(2, 11))
def test_two_lines_are_two_pieces_whatever_the_cap(most):
    assert kf.segmented.choose(kf.Samples(np.arange(20.0), TENT), most).pieces == 2


@pytest.mark.parametrize("n", [12, 20, 30])
def test_two_lines_in_noise_are_two_pieces_in_nine_of_ten_repeats(n):
    rng = np.random.default_rng(n)
    found = [kf.segmented.choose(two_lines(n, rng), 10).pieces for _ in range(200)]
    assert found.count(2) >= 180


@pytest.mark.parametrize("continuous", [False, True])
def test_noise_on_one_line_is_one_piece(continuous):
    rng = np.random.default_rng(7)
    data = [kf.Samples(np.arange(14.0), rng.standard_normal(14)) for _ in range(60)]
    found = [kf.segmented.choose(d, 7, continuous=continuous).pieces for d in data]
    assert found.count(1) >= 54


def test_the_small_sample_criterion_is_its_formula_and_tends_to_bic():
    rng = np.random.default_rng(3)
    for n in (15, 40):
        data = two_lines(n, rng)
        fits = kf.segmented.path(data, 6)
        values = []
        for k, fit in enumerate(fits, start=1):
            cost = (3 * k - 1) * np.log(n) * n / (n - 2 * k - 2) if n > 2 * k + 2 else np.inf
            values.append(n * np.log(fit.error / n) + cost)
        assert kf.segmented.choose(data, 6).pieces == 1 + np.argmin(values)


@pytest.mark.parametrize("continuous", [False, True])
def test_exact_fits_count_only_where_pieces_have_three_samples(continuous):
    tent = kf.Samples(np.arange(7.0), [3, 2, 1, 0, 1, 2, 3])
    assert kf.segmented.choose(tent, 3, continuous=continuous).pieces == 2
    rng = np.random.default_rng(0)
    for s in (2, 3, 4, 5, 6, 8):
        noise = kf.Samples(np.arange(float(s)), rng.standard_normal(s))
        most = s - 1 if continuous else s
        assert kf.segmented.choose(noise, most, continuous=continuous).pieces == 1


# -- weights ---------------------------------------------------------------------------------------------


def test_precisions_do_not_depend_on_their_unit():
    data, weights = two_lines(20, np.random.default_rng(1)), np.random.default_rng(2).uniform(0.3, 3, 20)
    for rule in ("bic", "cv"):
        found = []
        for unit in (1e-200, 1e-3, 1.0, 1e4, 1e200):
            scaled = kf.Samples(data.x, data.y, unit * weights)
            fit = kf.segmented.choose(scaled, 8, rule=rule, weights_are="precisions")
            found.append((fit.pieces, *fit.knots))
        assert found == found[:1] * 5
    fit = kf.segmented.optimal(kf.Samples(data.x, data.y, weights), 2)
    large = kf.Samples(data.x, data.y, 1e4 * weights)
    one = bic(fit, kf.Samples(data.x, data.y, weights), weights_are="precisions")
    other = bic(kf.segmented.optimal(large, 2), large, weights_are="precisions")
    mean_one = kf.Samples(data.x, data.y, weights / weights.mean())
    assert one == pytest.approx(other, rel=1e-12)
    assert one == pytest.approx(bic(kf.segmented.optimal(mean_one, 2), mean_one), rel=1e-12)


def test_frequencies_are_samples_repeated():
    rng = np.random.default_rng(6)
    for _ in range(20):
        data, times = two_lines(12, rng), rng.integers(1, 4, 12)
        weighted = kf.Samples(data.x, data.y, times)
        repeated = kf.Samples(np.repeat(data.x, times), np.repeat(data.y, times))
        one, other = (kf.segmented.choose(d, 5, weights_are="frequencies") for d in (weighted, repeated))
        assert one.pieces == other.pieces
        np.testing.assert_array_equal(one.knots, other.knots)


def test_frequencies_below_one_are_refused_and_other_words_too():
    data = kf.Samples(np.arange(6.0), np.arange(6.0), np.full(6, 0.1))
    fit = kf.segmented.optimal(data, 1)
    for call in (lambda: kf.segmented.choose(data, 2), lambda: bic(fit, data)):
        with pytest.raises(kf.InputError, match='weights_are is "frequencies": the weights must add up to at least 6'):
            call()
    with pytest.raises(kf.InputError, match="weights_are is 'counts': it must be one of 'frequencies', 'precisions'"):
        kf.segmented.choose(data, 2, rule="cv", weights_are="counts")
