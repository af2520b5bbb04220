from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from knotflow import initial, laws
from knotflow.errors import InputError
from knotflow.laws import Law

M = 40_000
DRAWN = {name: each for name, each in initial.INITIALISERS.items() if each.law}


def rng(seed=0):
    return np.random.default_rng(seed)


def uniform(bound):
    return stats.uniform(-bound, 2 * bound)


def follows(values, law):
    return stats.kstest(values, law.cdf).pvalue > 0.01


# The laws as the papers and PyTorch state them, written out once more: a, b, c.
STATED = {
    "pytorch": ({}, [uniform(1), uniform(1), uniform(M**-0.5)]),
    "he": ({}, [stats.norm(0, 2**0.5), stats.norm(0, 2**0.5), stats.norm(0, (2 / M) ** 0.5)]),
    "glorot": ({}, [stats.norm(0, (2 / (M + 1)) ** 0.5)] * 3),
    "gaussian": (
        {"sigma_a": 0.3, "sigma_b": 2.0, "sigma_c": 5.0},
        [stats.norm(0, 0.3), stats.norm(0, 2), stats.norm(0, 5)],
    ),
    "uniform": ({"bound_a": 0.3, "bound_b": 2.0, "bound_c": 5.0}, [uniform(0.3), uniform(2), uniform(5)]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_the_parameters_follow_the_stated_law(name):
    scales, expected = STATED[name]
    net = DRAWN[name].start(M, rng(7), **scales)
    for values, law in zip((net.a, net.b, net.c), expected, strict=True):
        assert follows(values, law)
        assert np.var(values) == pytest.approx(law.var(), rel=0.04)
    assert np.max(np.abs(np.corrcoef([net.a, net.b, net.c]) - np.eye(3))) < 4 / M**0.5


@pytest.mark.parametrize("name", DRAWN)
def test_the_law_as_data_is_what_is_drawn(name):
    scales = STATED[name][0]
    net = DRAWN[name].start(9, rng(3), **scales, norm=2.5)
    law, source = DRAWN[name].law(9, **scales), rng(3)
    draw = {"gaussian": source.standard_normal, "uniform": lambda size: source.uniform(-1, 1, size)}[law.family]
    assert_allclose(net.a, law.a * draw(9), rtol=1e-15)
    assert_allclose(net.b, law.b * draw(9), rtol=1e-15)
    assert_allclose(net.c, law.c * draw(9), rtol=1e-15)
    assert net.bias == law.bias * draw(1)[0]


@pytest.mark.parametrize("name", DRAWN)
def test_the_protocol_of_starts_by_law(name):
    start = DRAWN[name].start
    net, same, other = start(50, rng(1)), start(np.int64(50), rng(1)), start(50, rng(2))
    assert len(net) == 50
    assert_array_equal(net.a, same.a)
    assert np.all(net.a != other.a)
    assert net.norm == 1.0
    divided = start(50, rng(1), norm=4.0)
    assert divided.norm == 4.0
    assert_array_equal(divided.c, net.c)
    assert_allclose(divided(0.7) - divided.bias, (net(0.7) - net.bias) / 4, rtol=1e-14)


def test_only_the_pytorch_law_has_an_output_bias():
    biases = {name: each.start(16, rng()).bias for name, each in DRAWN.items()}
    assert {name for name, bias in biases.items() if bias} == {"pytorch"}
    outputs = [initial.pytorch(16, rng(seed)).bias for seed in range(2000)]
    assert follows(outputs, uniform(1 / 4))


@pytest.mark.torch
def test_the_pytorch_law_is_that_of_torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(11)
    hidden, output = torch.nn.Linear(1, M), torch.nn.Linear(M, 1)
    net = initial.pytorch(M, rng(5))
    biases = [initial.pytorch(9, rng(seed)).bias for seed in range(500)]
    for ours, theirs in (
        (net.a, hidden.weight),
        (net.b, -hidden.bias),
        (net.c, output.weight),
        (biases, torch.stack([torch.nn.Linear(9, 1).bias for _ in range(500)])),
    ):
        assert stats.ks_2samp(ours, theirs.detach().numpy().ravel()).pvalue > 0.01
    assert np.max(np.abs(net.c)) <= M**-0.5
    assert np.max(np.abs(net.b)) <= 1


@pytest.mark.parametrize(
    ("name", "roughness"), [("pytorch", 1 / 9), ("he", 4.0), ("glorot", 4 * 30 / 31**2), ("uniform", 30 / 9)]
)
def test_mean_roughness(name, roughness):
    source = rng(4)
    drawn = [DRAWN[name].start(30, source).roughness for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(roughness, abs=4 * np.std(drawn) / 4000**0.5)


def test_mean_delta_of_the_pytorch_law():
    source = rng(8)
    delta = np.concatenate([initial.pytorch(20, source).delta for _ in range(4000)])
    assert np.mean(delta) == pytest.approx(-2 / 3 + 1 / 60, abs=4 * np.std(delta) / 80_000**0.5)


@pytest.mark.parametrize(
    ("net", "law"),
    [
        (initial.he(M, rng(1)), stats.cauchy(0, 1)),
        (initial.he(M, rng(2), sigma_b=0.5), stats.cauchy(0, 0.5 / 2**0.5)),
        (initial.glorot(M, rng(3)), stats.cauchy(0, 1)),
        (initial.gaussian(M, rng(4), sigma_a=2.0, sigma_b=3.0), stats.cauchy(0, 1.5)),
    ],
)
def test_gaussian_knots_are_cauchy(net, law):
    assert follows(net.knots, law)


def test_half_of_the_uniform_knots_are_near():
    knots = initial.uniform(M, rng(6), bound_a=0.5, bound_b=2.0).knots
    assert np.mean(np.abs(knots) < 4) == pytest.approx(0.5, abs=2 / M**0.5)
    assert np.mean(knots > 40) == pytest.approx(1 / 40, abs=4 * (1 / 40 / M) ** 0.5)


@pytest.mark.parametrize("start", [initial.he, initial.glorot])
def test_without_first_layer_biases_every_knot_is_at_zero(start):
    assert_array_equal(start(20, rng(), sigma_b=0.0).knots, np.zeros(20))


@pytest.mark.parametrize("start", [each.start for each in DRAWN.values()])
def test_bad_arguments_are_named(start):
    for m, message in {
        0: "m is 0: it must be a whole number of at least 1",
        -3: "m is -3: it must be a whole number of at least 1",
        2.5: "m is 2.5: it must be a whole number of at least 1",
        "7": "m is '7': it must be a whole number of at least 1",
    }.items():
        with pytest.raises(InputError, match=message):
            start(m, rng())
    for source in (0, None, np.random, np.random.RandomState(0)):
        with pytest.raises(InputError, match=r"rng is .*; make one with numpy\.random\.default_rng\(seed\)"):
            start(3, source)
    with pytest.raises(InputError, match="norm is 0: it must be a finite number > 0"):
        start(3, rng(), norm=0)


def test_bad_scales_are_named():
    with pytest.raises(InputError, match=r"sigma_b is -1\.0: it must be a finite number >= 0"):
        initial.he(3, rng(), sigma_b=-1.0)
    with pytest.raises(InputError, match="bound_c is -2: it must be a finite number >= 0"):
        initial.uniform(3, rng(), bound_c=-2)
    with pytest.raises(InputError, match="sigma_a is nan: it must be a finite number"):
        initial.gaussian(3, rng(), sigma_a=np.nan)


def test_laws_compare_by_their_scales():
    assert laws.pytorch(4) == Law("uniform", 1.0, 1.0, 0.5, 0.5)
    assert laws.he(2, sigma_b=3.0) == Law("gaussian", 2**0.5, 3.0, 1.0)
    assert laws.glorot(7) == Law("gaussian", 0.5, 0.5, 0.5)


def test_the_registry_lists_every_start_with_its_citation():
    theory = {"InitialRoughness", "JointDensity", "delta_slope_density", "joint_density", "knot_density", "roughness"}
    starts = set(initial.__all__) - {"INITIALISERS", "Initialiser", "Law", "init_scale", "law"} - theory
    assert set(initial.INITIALISERS) == starts
    for name, each in initial.INITIALISERS.items():
        assert each.name == name
        assert each.start is getattr(initial, name)
        assert each.summary
        assert each.citation
    with pytest.raises(TypeError, match="does not support item assignment"):
        initial.INITIALISERS["mine"] = None
