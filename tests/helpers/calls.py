"""Calls that are right: the arguments of every public function, of the classes that a user makes, and of methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from tests.helpers.public import DATA, EXAMPLES, NET, example, plain_density, public, run

import knotflow as kf

RNG = np.random.default_rng(0)

# What the public functions and classes cannot do without, by the name of the argument.
RIGHT = {
    "data": DATA, "net": NET, "x": [0.0, 0.5, 1.0], "lam": 0.1, "pieces": 2, "i": 0, "density": plain_density, "f": NET,
    "lr": 1e-3, "until": 1.0, "dynamics": kf.GradientDescent(lr=1e-3), "kernel": kf.kernels.rf("uniform"),
    "init": "uniform", "law": "uniform", "delta_slopes": [0.1, 0.2], "m": 5, "s": 3, "rng": RNG, "steps": 3,
    "knots": [0.1, 0.6, 1.2, 2.0], "spline": kf.splines.natural(DATA), "widths": [2], "networks": 1, "alpha": 2.0,
    "r": [0.1], "theta": [0.2], "first": np.ones(9), "second": np.arange(9.0), "along": [0.0, 1.0], "across": [0.0],
    "orientation": 1, "target": lambda x: x**2, "values": [1.0, 0.0, 2.0, 1.0], "where": (0.0, 2.5), "batch": 2,
    "dimensions": 2, "a": [[1.0, 2.0]], "b": [0.1], "c": [0.3], "y": [0.0, 1.0, 0.5], "matrix": [[1.0, 2.0]],
    "name": "nile", "traj": run("descent"), "fit": example("fit"), "fits": {"a": example("fit")},
    "run": run("descent"), "runs": run("descent"), "layers": kf.deep.draw([2], RNG),
    "network": kf.deep.draw([2], RNG), "path": "no/such/file\0",
    "directory": "no/such/directory\0", "lower": [0], "upper": [1], "exact": 0.5, "approximation": 0.5,
}  # fmt: skip
# Where the same name means something else.
INSTEAD: dict[str, dict[str, Any]] = {
    "kf.evolve": {"steps": 3},
    "kf.fit": {"dynamics": "sgd", "width": 4, "steps": 2},
    "kf.deep.train": {"networks": [kf.deep.draw([2], RNG)]},
    "kf.ReLUNet": {"a": [1.0], "b": [0.1], "c": [0.3]},
    "kf.initial.curvature_knots": {"where": (0.0, 1.0)},
    "kf.multivariate.descend": {"net": kf.multivariate.Net([[1.0]], [0.1], [0.3])},
    "kf.segmented.choose": {"rule": "cv", "folds": 2},
    "kf.splines.tv": {"folds": 2},
    "kf.segmented.cross_validation": {"folds": 2},
    "kf.initial.InitialRoughness": {"law": kf.laws.he(5)},
    "kf.initial.JointDensity": {"law": kf.laws.he(5)},
    "kf.initial.Law": {"family": "gaussian", "a": 1.0, "b": 1.0, "c": 1.0},
    "kf.landscape.expected_lonely_share": {"knots": plain_density},
    "kf.landscape.lonely_knots": {"pieces": [0, 1, 2, 3, 4]},
    "kf.landscape.lonely_probability": {"knots": "random"},
    "kf.landscape.lonely_share": {"knots": "random"},
    "kf.segmented.bic": {"fit": kf.segmented.optimal(DATA, 2)},
    "kf.animate": {"path": "a.gif"},  # which is refused
    "kf.dynamics.Linearised": {},
    "kf.dynamics.particles": {"nodes": 32},
    "kf.gradient_flow_gap": {"until": 0.01},
    "kf.kernels.Independent": {"a": stats.norm(), "b": stats.norm()},
    "kf.kernels.Placed": {"density": plain_density, "lo": 0.0, "hi": 1.0},
    "kf.kernels.RandomFeatures": {"law": kf.kernels.Uniform()},
    "kf.kernels.Tangent": {"law": kf.kernels.Uniform()},
    "kf.kernels.Weight": {"law": kf.kernels.Uniform()},
    "kf.Samples": {"x": [0.0, 0.5, 1.0], "y": [0.0, 1.0, 0.5]},
    "kf.data.Origin": {"at": np.datetime64("2024-01-01"), "unit": "days"},
    "kf.data.Scaling": {"x_shift": 0.0, "x_scale": 1.0, "y_shift": 0.0, "y_scale": 2.0},
    "kf.multivariate.Breakplanes": {"delta_slopes": [0.1], "directions": [[1.0, 0.0]], "offsets": [1.0]},
    "kf.multivariate.gradient": {"net": kf.multivariate.Net([[1.0]], [0.1], [0.3])},
    "kf.multivariate.velocities": {"net": kf.multivariate.Net([[1.0]], [0.1], [0.3])},
    "kf.report.save": {"fits": [example("fit")]},
    "kf.report.write": {"fits": [example("fit")]},
    "kf.views.BDSO": {"knots": [0.1, 0.2], "delta_slopes": [1.0, 2.0], "orientations": [1, -1]},
    "kf.views.CPWL": {"knots": [0.1, 0.2], "values": [1.0, 2.0], "slopes": [1.0, 10.0, 1.0]},
    "kf.views.Canonical": {"r": [0.1, 0.2], "theta": [1.0, 2.0], "delta": [1.0, -1.0]},
}
# What functions need that is not always installed.
EXTRAS = {"kf.deep.train": "torch"}

# The classes that a user makes; all others are results.
MADE = {
    "kf.Adam", "kf.CanonicalFlow", "kf.GradientDescent", "kf.GradientFlow", "kf.MeanFieldFlow", "kf.ReLUNet", "kf.SGD",
    "kf.initial.InitialRoughness", "kf.initial.JointDensity", "kf.initial.Law", "kf.kernels.Gaussian",
    "kf.kernels.Uniform", "kf.kernels.UniformKnots", "kf.multivariate.Net",
}  # fmt: skip


def arguments(address: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Arguments that are right: all that have no default, and those of INSTEAD."""
    parameters = inspect.signature(function).parameters.values()
    instead = INSTEAD.get(address, {})
    needed = {p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL}
    return {**{name: RIGHT[name] for name in needed - set(instead)}, **instead}


# Classes that a user can make, but need not, and what they are made of.
MADE_TOO = {
    "kf.LazyFlow", "kf.Samples", "kf.data.Origin", "kf.data.Scaling", "kf.dynamics.Linearised",
    "kf.dynamics.TangentKernel", "kf.kernels.EmpiricalKernel", "kf.kernels.FeatureMap",
    "kf.kernels.Independent", "kf.kernels.Placed",
    "kf.kernels.RandomFeatures", "kf.kernels.Tangent", "kf.kernels.Weight", "kf.landscape.Chance",
    "kf.landscape.HessianProduct", "kf.multivariate.Breakplanes", "kf.views.BDSO", "kf.views.CPWL",
    "kf.views.Canonical",
}  # fmt: skip

# What methods cannot do without, by the name of the argument.
OF_METHODS: dict[str, Any] = {
    "x": [0.0, 1.0, 2.0], "u": [0.1, 0.5], "v": [0.1, 0.2, 0.3], "z": [0.0, 0.5], "y": [0.0, 1.0, 2.0], "t": 0.05,
    "p": np.array([0.1]), "q": np.array([0.1]), "lo": 0.1, "hi": 1.2, "a": 0.5, "b": 1.5, "k": 1, "delta": -1.0,
    "data": DATA, "net": NET, "scaling": EXAMPLES["scaling"](), "rng": RNG, "size": 2, "layer": 1, "m": 3, "nu": 1,
    "f": np.sin, "knot": 0.1, "delta_slope": 0.2, "excess": 0.1, "degrees_of_freedom": 2.5, "start": [0.0],
    "direction": [1.0], "limit": 1.0, "path": "no/such/file\0", "directory": "no/such/directory\0", "lower": [0],
    "upper": [1], "weights": [1.0, 1.0, 1.0], "values": [0.0, 1.0], "name": "t",
    "frame": pd.DataFrame({"t": [0.0, 1.0, 2.0], "v": [1.0, 3.0, 2.0]}),
}  # fmt: skip
VIEWS = {
    "ReLUNet.from_bdso": NET.bdso(),
    "ReLUNet.from_canonical": NET.canonical(),
    "ReLUNet.from_cpwl": NET.cpwl(),
    "Net.from_breakplanes": example("breakplanes"),
}
OF_ONE: dict[str, dict[str, Any]] = {
    "Net.of": {"net": NET},
    "Samples.from_csv": {"path": Path(kf.__file__).parent / "data" / "nile.csv"},
    "Breakplanes.of": {"net": example("multivariate net")},
    "Canonical.of": {"a": [1.0], "b": [0.5], "c": [0.3]},
    "BDSO.of": {"a": [1.0], "b": [0.5], "c": [0.3]},
    "CPWL.of": {"a": [1.0], "b": [0.5], "c": [0.3]},
    "TangentKernel.__matmul__": {"v": [1.0, 2.0, 3.0, 4.0, 5.0]},
    "HessianProduct.__matmul__": {"v": np.ones(10)},
    "Net.__call__": {"x": [[0.0], [1.0]]},
    "Breakplanes.__call__": {"x": [[0.0], [1.0]]},
    "Trajectory.resume": {"steps": 2},
    "Trajectory of a flow.resume": {"until": 0.12},
    "FeatureMap.least_norm": {"y": [0.1, 0.2]},
    **{f"{law}.moments": {"lo": [0.1], "hi": [0.2]} for law in ("Gaussian", "Uniform", "UniformKnots", "Placed")},
    "Independent.moments": {"lo": [0.1], "hi": [0.2]},
}
# What the loop that runs a method calls, and what makes values of parts that were checked: not for users.
INNER = {
    "anchored", "begin", "between", "carry_on", "caution", "extended", "gauge", "objective", "over", "seen",
    "session", "operator", "from_settings",
}  # fmt: skip
TORCH = {"from_torch", "to_torch"}  # have tests of their own


def methods() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """The public methods of the examples with an argument, by class and name, with arguments that are right."""
    seen = set()
    for example_name in EXAMPLES:
        value = example(example_name)
        cls = type(value)
        called = "Trajectory of a flow" if example_name == "run: flow" else cls.__name__
        if called in seen or not cls.__module__.startswith("knotflow."):
            continue
        seen.add(called)
        for name in dir(cls):
            static = inspect.getattr_static(cls, name)
            plain = static.__func__ if isinstance(static, classmethod | staticmethod) else static
            hidden = name.startswith("_") and name not in ("__call__", "__matmul__")
            ours = inspect.isfunction(plain) and plain.__module__.startswith("knotflow.")
            if ours and not hidden and name not in INNER | TORCH:
                yield from _method(f"{called}.{name}", getattr(value, name))


def _method(address: str, bound: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    parameters = [p for p in inspect.signature(bound).parameters.values() if p.kind < p.VAR_KEYWORD]
    needed = {p.name for p in parameters if p.default is p.empty}
    if any(p.kind in (p.VAR_POSITIONAL, p.POSITIONAL_ONLY) for p in parameters) or not parameters:
        return
    given = OF_ONE.get(address, {})
    if address in VIEWS:
        given = {"view": VIEWS[address]}
    yield address, bound, {**{name: OF_METHODS[name] for name in needed - set(given)}, **given}


def calls() -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Everything that can be called with an argument, with arguments that are right."""
    found = dict(public(inspect.isfunction)) | {a: c for a, c in public(inspect.isclass) if a in MADE | MADE_TOO}
    for address, function in found.items():
        if inspect.signature(function).parameters:
            yield address, function, arguments(address, function)
    yield from methods()
