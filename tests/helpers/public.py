"""What is public: every function and class of knotflow by its address, and an example of every class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from scipy import stats

import knotflow as kf

DATA = kf.Samples([0.0, 0.4, 1.0, 1.7, 2.5], [1.0, -0.5, 0.3, 0.2, 2.0])
NET = kf.ReLUNet([1.0, -1.0, 2.0], [0.3, -1.5, 0.5], [1.0, 0.7, -0.4], norm=2.0)


def plain_density(x: np.ndarray) -> np.ndarray:
    return 1.0 + 0 * x


# Estimators check their arguments in `fit`, as scikit-learn demands; its own `check_estimator` tests them.
OTHER_CONVENTIONS = {"estimators"}


def public(kind: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """All public functions or classes of knotflow by their public address, each once."""
    seen = set()
    rooms = [("kf", kf)] + [(f"kf.{name}", getattr(kf, name)) for name in kf.__all__ if name not in OTHER_CONVENTIONS]
    for address, room in rooms:
        for name in room.__all__ if isinstance(room, ModuleType) else ():
            value = getattr(room, name)
            if kind(value) and value not in seen and value.__module__.startswith("knotflow."):
                seen.add(value)
                yield f"{address}.{name}", value


METHODS: dict[str, Any] = {
    "descent": kf.GradientDescent(1e-3),
    "descent with momentum": kf.GradientDescent(1e-3, momentum=0.9),
    "minibatches": kf.SGD(1e-3, 2, rng=7),
    "Adam": kf.Adam(),
    "flow": kf.GradientFlow(),
    "canonical flow": kf.CanonicalFlow(),
    "mean-field flow": kf.MeanFieldFlow(),
    "lazy flow": kf.LazyFlow(),
}


@cache
def run(name: str) -> Any:
    """A short run of this method."""
    method = METHODS[name]
    length = {"until": 0.1} if "flow" in name else {"steps": 6}
    return kf.evolve(NET, DATA, method, **length)


def _fit() -> kf.Fit:
    fit = kf.fit(DATA, width=5, steps=5)
    repr(fit)  # which computes the summary
    return fit


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _experiment() -> Any:
    return next(iter(kf.papers.experiments().values()))


def _multivariate() -> kf.multivariate.Net:
    return kf.multivariate.Net([[1.0]], [0.1], [0.3])


# An object of every public class, and of what methods return, by what to call it.
EXAMPLES: dict[str, Callable[[], Any]] = {
    "fit": _fit,
    "samples": lambda: DATA,
    "distinct": lambda: DATA.distinct,
    "scaling": lambda: _fit().scaling,
    "origin": lambda: kf.data.Origin(np.datetime64("2024-01-01T00:00:00"), "days"),
    "data set": lambda: kf.datasets.DATASETS["nile"],
    "data sets": lambda: kf.datasets.DATASETS,
    "targets": lambda: kf.targets,
    "net": lambda: NET,
    "canonical": lambda: NET.canonical(),
    "bdso": lambda: NET.bdso(),
    "cpwl": lambda: NET.cpwl(),
    "error": lambda: kf.InputError("x is 1"),
    "base error": lambda: kf.KnotflowError("x is 1"),
    "divergence": lambda: kf.DivergenceWarning("x is 1"),
    "stability": lambda: kf.StabilityWarning("x is 1"),
    "gap": lambda: kf.gradient_flow_gap(NET, DATA, lr=1e-3, until=0.01),
    "gradient": lambda: kf.gradient(NET, DATA),
    "linearised": lambda: kf.LazyFlow().linearised(NET, DATA),
    "modes": lambda: kf.LazyFlow().linearised(NET, DATA).modes,
    "particles": lambda: kf.dynamics.particles("gaussian", DATA, nodes=32),
    "progress": lambda: kf.dynamics.Progress(1, 2, 0.5, 0.1, 0.1, 0.5),
    "residual ode": lambda: kf.dynamics.residual_ode(NET, DATA),
    "tangent kernel": lambda: kf.dynamics.TangentKernel(NET, DATA.distinct.x),
    "empirical kernel": lambda: kf.kernels.empirical_ntk(NET),
    "feature map": lambda: kf.kernels.features(NET, [0.0, 1.0]),
    "independent": lambda: kf.kernels.Independent(stats.norm(), stats.norm()),
    "kernel interpolant": lambda: kf.kernels.interpolate(kf.kernels.ntk("gaussian"), DATA),
    "kernel path": lambda: kf.kernels.lazy(kf.kernels.rf("gaussian"), DATA),
    "kernel modes": lambda: kf.kernels.lazy(kf.kernels.rf("gaussian"), DATA).modes,
    "kernel spline": lambda: kf.kernels.interpolate(kf.kernels.rf("gaussian"), DATA),
    "kernel derivative": lambda: kf.kernels.interpolate(kf.kernels.rf("gaussian"), DATA).derivative(),
    "norm parts": lambda: kf.kernels.norm_parts(NET, "gaussian"),
    "placed": lambda: kf.kernels.Placed(plain_density, 0, 1),
    "random features": lambda: kf.kernels.rf("gaussian"),
    "tangent": lambda: kf.kernels.ntk("gaussian"),
    "terms": lambda: kf.kernels.ntk("gaussian").terms([0.0, 1.0]),
    "uniform": lambda: kf.kernels.Uniform(),
    "gaussian": lambda: kf.kernels.Gaussian(),
    "uniform knots": lambda: kf.kernels.UniformKnots(),
    "weight": lambda: kf.kernels.nu("uniform"),
    "chance": lambda: kf.landscape.lonely_probability(5, 3),
    "critical point": lambda: kf.landscape.critical_point(NET, DATA),
    "delta-slope hessian": lambda: kf.landscape.delta_slope_hessian(NET, DATA),
    "hessian product": lambda: kf.landscape.HessianProduct(NET, DATA),
    "loss slice": lambda: kf.landscape.loss_slice(NET, DATA, 0),
    "slice derivative": lambda: kf.landscape.loss_slice(NET, DATA, 0).derivative(),
    "minima": lambda: kf.landscape.loss_slice(NET, DATA, 0).minima,
    "null space": lambda: kf.landscape.null_space(NET, DATA),
    "section": lambda: kf.landscape.knot_section(NET, DATA, 0, [0.1], [0.2]),
    "spectrum": lambda: kf.landscape.hessian_spectrum(NET, DATA),
    "distance": lambda: kf.compare.distances(NET, DATA)["natural"],
    "distances": lambda: kf.splines.compare(NET, DATA),
    "number": lambda: kf.compare.NUMBERS[0],
    "initial knots": lambda: kf.deep.initial_knots([2], 2, _rng()),
    "initialiser": lambda: kf.initial.INITIALISERS["he"],
    "initialisers": lambda: kf.initial.INITIALISERS,
    "initial roughness": lambda: kf.initial.roughness("gaussian", 3),
    "joint density": lambda: kf.initial.joint_density("gaussian"),
    "law": lambda: kf.initial.Law("gaussian", 1.0, 1.0, 1.0),
    "knot density": lambda: kf.initial.knot_density("uniform"),
    "breakplanes": lambda: _multivariate().breakplanes(),
    "multivariate descent": lambda: kf.multivariate.descend(_multivariate(), DATA, 1e-3, 2),
    "multivariate gradient": lambda: kf.multivariate.gradient(_multivariate(), DATA),
    "multivariate net": _multivariate,
    "velocities": lambda: kf.multivariate.velocities(_multivariate(), DATA),
    "segments": lambda: kf.segmented.optimal(DATA, 2),
    "smoothing spline": lambda: kf.splines.smoothing(DATA),
    "band": lambda: kf.splines.smoothing(DATA, penalty=1.0).band([0.5, 1.0]),
    "spline": lambda: kf.splines.natural(DATA),
    "tv spline": lambda: kf.splines.tv(DATA, 0.1),
    "canonical tv spline": lambda: kf.splines.tv(DATA, 0.1, weight="canonical"),
    "trained": lambda: kf.deep.training.Trained((kf.deep.draw([2], _rng()),), np.array([0.5])),
    "check": lambda: kf.papers.Check("it falls", holds=True, measured="0.1"),
    "descent of a figure": lambda: kf.papers.Descent(5, 3, 10),
    "experiment": _experiment,
    "experiments": lambda: kf.papers.experiments(),
    "outcome of a figure": lambda: kf.papers.Outcome(
        _experiment(), _experiment().settings(quick=True), True, kf.papers.Verdict(()), None, 1.0, ()
    ),
    "paper": lambda: _experiment().paper,
    "parameter": lambda: kf.papers.printed(3, "page 3"),
    "settings": lambda: _experiment().settings(quick=True),
    "step": lambda: kf.papers.Step(1, 2, "x"),
    "verdict": lambda: kf.papers.Verdict((kf.papers.Check("it falls", holds=True, measured="0.1"),)),
    "entry": lambda: next(iter(kf.papers.ledger.entries())),
    "line": lambda: kf.papers.ledger.Line(
        next(iter(kf.papers.ledger.entries())), kf.papers.ledger.holds(1e-9, tol=1e-6), kf.papers.ledger.HOLDS, 0.1
    ),
    "outcome of a check": lambda: kf.papers.ledger.holds(1e-9, tol=1e-6),
}
EXAMPLES |= {f"method: {name}": lambda name=name: METHODS[name] for name in METHODS}  # type: ignore[misc]
EXAMPLES |= {f"run: {name}": lambda name=name: run(name) for name in METHODS}  # type: ignore[misc]


@cache
def example(name: str) -> Any:
    """The example of that name, made once."""
    return EXAMPLES[name]()
