"""kf.fit: the short way in."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from knotflow import fitting
from knotflow.dynamics import Progress
from knotflow.fitting import choices

X = np.array([3.0, 0.1, 0.4, 2.2, 1.0, 1.7, 2.2, 5.0])  # unsorted, uneven, one x twice
Y = np.array([12.0, 10.0, 11.5, 9.0, 14.0, 13.0, 8.5, 10.0])
SMALL: dict[str, Any] = {"width": 40, "steps": 300}
GRID = np.linspace(-1, 6, 57)


@pytest.fixture(scope="module", params=list(fitting.REGIMES))
def fit(request: pytest.FixtureRequest) -> kf.Fit:
    return kf.fit((X, Y), regime=request.param, width=40, steps=3000)


# -- what comes back -------------------------------------------------------------------------------------


def test_the_net_is_the_trained_one_in_the_users_units(fit: kf.Fit) -> None:
    u = (GRID - X.mean()) / X.std()
    expected = Y.mean() + Y.std() * fit.trajectory.final(u)
    np.testing.assert_allclose(fit(GRID), expected, rtol=1e-12)
    np.testing.assert_array_equal(fit(GRID), fit.net(GRID))
    assert fit(2).shape == ()
    np.testing.assert_allclose(fit.net.loss(fit.data), Y.std() ** 2 * fit.trajectory.loss[-1], rtol=1e-12)


def test_training_lowers_the_loss(fit: kf.Fit) -> None:
    assert fit.trajectory.status == "finished"
    assert fit.trajectory.loss[-1] < 0.5 * fit.trajectory.loss[0]


def test_the_start_is_the_named_network_at_the_regimes_delta(fit: kf.Fit) -> None:
    start = fit.trajectory.start
    delta = fitting.REGIMES[fit.regime].delta
    np.testing.assert_allclose(start.delta, delta, rtol=1e-10)
    named = kf.initial.pytorch(40, np.random.default_rng(0), norm=np.sqrt(40))
    np.testing.assert_allclose(start.knots, named.knots, rtol=1e-12)
    np.testing.assert_allclose(start(GRID), named(GRID), atol=1e-12)


def test_the_settings_repeat_the_fit_bit_for_bit(fit: kf.Fit) -> None:
    again = kf.fit(fit.data, **fit.settings)
    np.testing.assert_array_equal(again.trajectory.a, fit.trajectory.a)
    np.testing.assert_array_equal(again(GRID), fit(GRID))
    assert again.settings == fit.settings
    assert again.regime == fit.regime


def test_a_fit_does_not_change(fit: kf.Fit) -> None:
    with pytest.raises(AttributeError):
        fit.net = fit.trajectory.start  # type: ignore[misc]
    with pytest.raises(TypeError):
        fit.settings["width"] = 3  # type: ignore[index]


def test_delta_is_conserved_to_second_order_in_the_step(fit: kf.Fit) -> None:
    half = kf.fit(fit.data, **{**fit.settings, "lr": fit.settings["lr"] / 2, "steps": 6000})
    drifts = [np.abs(run.trajectory.final.delta - run.trajectory.start.delta).max() for run in (fit, half)]
    assert drifts[1] < 0.6 * drifts[0] + 1e-10 * abs(fit.settings["delta"])


# -- the regimes -----------------------------------------------------------------------------------------


def test_knots_stay_in_the_kernel_regime_and_travel_in_the_adaptive_one() -> None:
    moved = {}
    for regime in fitting.REGIMES:
        run = kf.fit((X, Y), regime=regime, width=100, steps=20_000).trajectory
        moved[regime] = np.median(np.abs(run.final.knots - run.start.knots))
    assert moved["kernel"] < 1e-5
    assert 0.01 < moved["between"] < moved["adaptive"]


def test_the_outer_weights_stay_in_the_adaptive_regime() -> None:
    run = kf.fit((X, Y), regime="adaptive", width=50, steps=20_000).trajectory
    np.testing.assert_allclose(run.final.c, run.start.c, rtol=1e-3)
    assert np.median(np.abs(run.final.a / run.start.a - 1)) > 1


def test_the_kernel_regime_finds_the_interpolant_with_the_smallest_outer_weights() -> None:
    x, y = np.array([-2.0, -1.1, 0.3, 0.9, 2.0]), np.array([0.3, -1.0, 1.2, 0.4, 1.0])
    fit = kf.fit((x, y), regime="kernel", init="uniform_knots", width=200, steps=2_000_000)
    start = fit.trajectory.start
    data = fit.trajectory.data
    features = np.maximum(np.multiply.outer(data.x, start.a) - start.b, 0) / start.norm
    # a and b still move by a part of the order of c^2 / |delta|
    smallest = np.linalg.pinv(features) @ (data.y - start.bias)
    np.testing.assert_allclose(fit.trajectory.final.c, smallest, atol=1e-5 * np.abs(smallest).max())


@pytest.mark.parametrize("regime", fitting.REGIMES.values(), ids=str)
def test_regimes_are_data_with_a_citation(regime: fitting.Regime) -> None:
    assert fitting.REGIMES[regime.name] is regime
    assert regime.shows
    assert "et al. 20" in regime.source


# -- arguments -------------------------------------------------------------------------------------------


def test_data_may_be_samples_a_pair_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(X, Y, strict=True)))
    fits = [kf.fit(data, **SMALL) for data in (kf.Samples(X, Y), (X, Y), [X, Y], path, str(path))]
    assert fits[0].data.x_name == "x"
    for other in fits[1:]:
        np.testing.assert_array_equal(other(GRID), fits[0](GRID))


def test_a_delta_takes_the_place_of_the_regime() -> None:
    fit = kf.fit((X, Y), delta=-3.5, **SMALL)
    assert fit.regime == "delta=-3.5"
    np.testing.assert_allclose(fit.trajectory.start.delta, -3.5)
    usual = fitting.REGIMES["kernel"].delta
    assert kf.fit((X, Y), regime="kernel", delta=usual, **SMALL).regime == "kernel"


@pytest.mark.parametrize(
    ("norm", "value"), [(None, 6.0), ("sqrt", 6.0), ("m", 36.0), ("1", 1.0), (2, 2.0), ("0.5", 0.5)]
)
def test_norms(norm: Any, value: float) -> None:
    fit = kf.fit((X, Y), norm=norm, width=36, steps=10)
    assert fit.net.norm == fit.settings["norm"] == value


@pytest.mark.parametrize("init", ["pytorch", "he", "glorot", "gaussian", "uniform", "uniform_knots"])
def test_initialisers(init: str) -> None:
    fit = kf.fit((X, Y), init=init, regime="kernel", width=30, steps=50)
    assert fit.settings["init"] == init
    assert fit.trajectory.loss[-1] < fit.trajectory.loss[0]


@pytest.mark.parametrize("dynamics", fitting.DYNAMICS)
@pytest.mark.parametrize("regime", fitting.REGIMES)
def test_every_dynamics_learns_with_its_default_learning_rate(dynamics: str, regime: str) -> None:
    run = kf.fit((X, Y), regime=regime, dynamics=dynamics, width=60, steps=20_000).trajectory
    assert run.status == "finished"
    assert run.loss[-1] - run.data.distinct.within < 0.5 * (run.loss[0] - run.data.distinct.within)


def test_sgd_with_all_samples_in_a_batch_is_gradient_descent() -> None:
    whole = kf.fit((X, Y), **SMALL)
    sgd = kf.fit((X, Y), dynamics="sgd", batch=len(X), **SMALL)
    assert sgd.settings["lr"] == whole.settings["lr"]
    np.testing.assert_allclose(sgd(GRID), whole(GRID), rtol=1e-9)


def test_seeds_decide_start_and_minibatches() -> None:
    def final(seed: int, lr: float = 1e-3) -> np.ndarray:
        return kf.fit((X, Y), seed=seed, dynamics="sgd", batch=3, lr=lr, **SMALL)(GRID)

    np.testing.assert_array_equal(final(1), final(1))
    assert not np.array_equal(final(1), final(2))


def test_what_is_not_trained_stays() -> None:
    run = kf.fit((X, Y), train=("c",), **SMALL).trajectory
    np.testing.assert_array_equal(run.a, np.broadcast_to(run.start.a, run.a.shape))
    np.testing.assert_array_equal(run.b, np.broadcast_to(run.start.b, run.b.shape))
    assert not np.array_equal(run.final.c, run.start.c)
    assert np.all(run.bias == run.bias[0])
    assert kf.fit((X, Y), train={"bias", "c"}, **SMALL).settings["train"] == ("bias", "c")


def test_no_steps_give_the_start() -> None:
    fit = kf.fit((X, Y), width=20, steps=0)
    assert len(fit.trajectory) == 1
    assert fit.summary["converged"] is False
    assert np.isnan(fit.summary["still_falling"])
    start = fitting.start_network(fit.data.standardised()[0], width=20)
    np.testing.assert_array_equal(start.a, fit.trajectory.start.a)
    np.testing.assert_array_equal(start.c, fit.trajectory.start.c)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"regime": "lazy"}, "regime is 'lazy': it must be one of 'kernel', 'between', 'adaptive'"),
    ({"delta": float("nan")}, "delta is nan: it must be finite"),
    ({"delta": -np.inf}, "delta is -inf: it must be finite"),
    ({"width": 0}, "width is 0: it must be a whole number of at least 1"),
    ({"width": -5}, "width is -5: it must be a whole number of at least 1"),
    ({"width": 2.5}, "width is 2.5: it must be a whole number of at least 1"),
    ({"width": True}, "width is True: it must be a whole number of at least 1"),
    (
        {"init": "zeros"},
        "init is 'zeros': it must be one of 'pytorch', 'he', 'glorot', 'gaussian', 'uniform', 'uniform_knots'",
    ),
    ({"init": "spiky"}, "init is 'spiky': it must be one of 'pytorch'"),
    ({"init": "uniform_knots", "delta": 1.0}, "delta is 1 for neuron 0, which no rescaling can reach"),
    ({"norm": 0}, "norm is 0: it must be a positive number"),
    ({"norm": "root"}, "norm is 'root': it must be a positive number"),
    ({"norm": float("inf")}, "norm is inf: it must be a positive number"),
    ({"norm": [1]}, r"norm is \[1\]: it must be a positive number"),
    ({"steps": -1}, "steps is -1: it must be a whole number of at least 0"),
    ({"lr": 0.0}, "lr is 0.0: it must be a finite number > 0"),
    ({"lr": -1.0}, "lr is -1.0: it must be a finite number > 0"),
    ({"seed": -1}, "seed is -1: it must be a whole number of at least 0"),
    ({"train": ()}, "train is {nothing}[;:] it must be a non-empty subset"),
    ({"train": ("a", "d")}, "train is {'a', 'd'}[;:] it must be a non-empty subset"),
    ({"dynamics": "newton"}, "dynamics is 'newton': it must be one of 'descent', 'sgd', 'adam'"),
    ({"batch": 3}, "batch is 3, but dynamics is 'descent': only \"sgd\" has minibatches"),
    ({"dynamics": "sgd", "batch": 0}, "batch is 0: it must be a whole number of at least 1"),
    ({"dynamics": "sgd", "batch": 9}, "batch is 9: it must be at most 8, the number of samples"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value)[:40])
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(kf.InputError, match=message):
        kf.fit((X, Y), **{**SMALL, **arguments})


@pytest.mark.parametrize("data", [7, None, (X, Y, Y), {"x": X}])
def test_bad_data(data: Any) -> None:
    with pytest.raises(kf.InputError, match="it must be Samples, a pair"):
        kf.fit(data, **SMALL)


# -- how it shows itself ---------------------------------------------------------------------------------


def test_a_fit_is_one_line(fit: kf.Fit) -> None:
    text = repr(fit)
    assert text.startswith(f"Fit({fit.regime}, 40 neurons, 8 samples, rms residual ")
    assert f"{fit.summary['rms_residual']:.4g}, {fit.summary['verdict']})" in text
    assert "\n" not in text
    assert len(text) < 250


def test_a_notebook_shows_its_numbers_and_its_function(fit: kf.Fit) -> None:
    html = fit._repr_html_()
    assert fit.summary["verdict"][1:] in html
    assert "RMS residual" in html
    assert html.count("data:image/png;base64,") == 1
    assert "http" not in html
    assert len(html) < 150_000


def test_plot_is_the_figure_of_the_function(fit: kf.Fit) -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert fit.plot(ax) is ax.figure
    x, y = ax.lines[2].get_data()
    np.testing.assert_allclose(y, fit.net(x))


def test_save_refuses_a_file_in_its_way(fit: kf.Fit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(kf.InputError, match=f"directory is {path}: it must be a directory, but .*file is a file"):
            fit.save(path)
    assert (tmp_path / "file").read_text() == "mine"


# -- learning rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [-1e4, -1.0, 0.0, 1.0, 1e4])
def test_the_default_learning_rate_is_stable_all_the_way(delta: float) -> None:
    """At delta = 0 the bound shrinks a hundredfold while the network learns; half of the start's would blow up."""
    x = np.linspace(-1, 1, 15) ** 3
    run = kf.fit((x, np.sin(7 * x) - x), delta=delta, width=300, steps=20_000).trajectory
    bounds = [kf.stability_limit(run.net_at(k), run.data) for k in range(len(run))]
    assert run.dynamics.lr < min(bounds)
    assert run.dynamics.lr <= bounds[0] / 2
    if delta == 0:
        assert run.dynamics.lr < bounds[0] / 50


def test_learning_rates_above_the_bound_warn() -> None:
    usual = kf.fit((X, Y), regime="kernel", **SMALL).settings["lr"]
    with pytest.warns(kf.StabilityWarning, match="above the stability bound"):
        kf.fit((X, Y), regime="kernel", lr=2.1 * usual, **SMALL)


@given(st.integers(0, 10**6), st.floats(0.1, 100.0))
def test_the_reach_bounds_what_a_change_of_all_parameters_does(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    net = kf.ReLUNet(rng.normal(size=7), scale * rng.normal(size=7), rng.normal(size=7), norm=1 + rng.random())
    data = kf.Samples(rng.normal(size=5), rng.normal(size=5))
    reach = choices._reach(net, data)
    h = 1e-7
    a, b, c = (values + h * rng.choice([-1, 1], size=7) for values in (net.a, net.b, net.c))
    change = np.abs(net.replace(a=a, b=b, c=c)(data.x) - net(data.x)).max() / h
    assert change <= reach * (1 + 1e-5) + 1e-5 * (1 + scale)


# -- how far it came -------------------------------------------------------------------------------------


def test_the_summary_says_how_far_the_training_came() -> None:
    short = kf.fit((X, Y), regime="kernel", width=40, steps=200)
    assert short.summary["converged"] is False
    assert short.summary["still_falling"] > 1e-3
    assert short.summary["verdict"].startswith("not converged: the excess loss still fell by")
    x, y = [0.0, 1.0, 3.0], [1.0, 0.0, 2.0]
    long = kf.fit((x, y), width=40, steps=20_000)
    assert long.summary["converged"] is True
    assert long.summary["verdict"].startswith("converged: ")


def test_local_minima_are_called_by_their_name() -> None:
    fit = kf.fit((X, Y), width=1, steps=200_000)  # one neuron cannot do better
    assert fit.summary["converged"] is True
    left = (fit.trajectory.loss[-1] - fit.trajectory.data.distinct.within) / (
        fit.trajectory.loss[0] - fit.trajectory.data.distinct.within
    )
    assert f"local minimum: {left:.0%} of the excess loss is left" in fit.summary["verdict"]


def test_still_falling_is_the_fall_of_the_excess_loss_since_nine_tenths() -> None:
    fit = kf.fit((X, Y), regime="kernel", width=40, steps=1000)
    run = fit.trajectory
    k = max(k for k in range(len(run)) if run.steps[k] <= 900)
    within = 0.5 * 2 * (0.25 / Y.std()) ** 2  # the two samples at x = 2.2
    excess = [run.net_at(i).loss(run.data) - within for i in (k, -1)]
    np.testing.assert_allclose(fit.summary["still_falling"], 1 - excess[1] / excess[0], rtol=1e-9)


def test_the_summary_holds_the_comparison_in_the_users_units(fit: kf.Fit) -> None:
    from knotflow.compare import summarise

    for key, value in summarise(fit.net, fit.data, fit.trajectory).items():
        np.testing.assert_equal(fit.summary[key], value)


def test_a_diverging_fit_says_so() -> None:
    with pytest.warns(kf.StabilityWarning), pytest.warns(kf.DivergenceWarning):
        fit = kf.fit((X, Y), regime="kernel", lr=1.0, **SMALL)
    assert fit.trajectory.status == "diverged"
    assert fit.summary["converged"] is False
    assert "diverged at step" in fit.summary["verdict"]
    assert "stability bound" in fit.summary["verdict"]


def test_ctrl_c_keeps_what_was_computed() -> None:
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    fit = kf.fit((X, Y), width=40, steps=10**10, progress=interrupt)
    assert fit.trajectory.status == "interrupted"
    assert 0 < fit.trajectory.steps[-1] < 10**10
    assert fit.trajectory.loss[-1] < fit.trajectory.loss[0]
    assert "interrupted" in fit.summary["verdict"]


def test_progress_is_told_the_last_step() -> None:
    seen: list[Progress] = []
    kf.fit((X, Y), progress=seen.append, **SMALL)
    assert (seen[-1].step, seen[-1].steps) == (300, 300)


# -- invariances -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("regime", fitting.REGIMES)
def test_units_do_not_matter(regime: str) -> None:
    one = kf.fit((X, Y), regime=regime, **SMALL)
    other = kf.fit((1e-3 * X + 7, 1e5 * Y - 3e6), regime=regime, **SMALL)
    np.testing.assert_allclose(other(1e-3 * GRID + 7), 1e5 * one(GRID) - 3e6, rtol=1e-7)


def test_the_order_of_the_samples_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(len(X))
    order = np.array(sorted(order, key=lambda j: X[j] == 2.2))  # the tied samples keep their order
    tied = np.flatnonzero(X[order] == 2.2)
    order[tied] = np.sort(order[tied])
    one, other = kf.fit((X, Y), **SMALL), kf.fit((X[order], Y[order]), **SMALL)
    np.testing.assert_allclose(other(GRID), one(GRID), rtol=1e-12)


def test_the_flow_covers_the_time_of_as_many_steps_of_descent():
    x = np.linspace(0, 3, 12)
    data = kf.Samples(x, np.sin(2 * x))
    flow = kf.fit(data, width=60, steps=400, dynamics="flow")
    descent = kf.fit(data, width=60, steps=4000, lr=flow.settings["lr"] / 10)
    assert isinstance(flow.trajectory.dynamics, kf.GradientFlow)
    assert flow.trajectory.times[-1] == pytest.approx(400 * flow.settings["lr"])
    grid = np.linspace(0, 3, 200)
    assert np.abs(flow(grid) - descent(grid)).max() < 0.02
