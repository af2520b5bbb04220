"""How a network of D inputs moves under gradient descent on L = 1/2 sum_j w_j (f(x_j) - y_j)^2."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import number, vector
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.multivariate.net import Net, matrix


class Gradient(NamedTuple):
    """The gradient of the loss by parameter: a (m, D), b and c (m,), bias; and the loss itself."""

    a: Array
    b: Array
    c: Array
    bias: float
    loss: float


class Velocities(NamedTuple):
    """Time derivatives of the breakplanes: delta_slopes (k,), directions (k, D), offsets (k,)."""

    delta_slopes: Array
    directions: Array
    offsets: Array


@dataclass(frozen=True, eq=False)
class Descent:
    """final  the network after the last step
    losses (steps + 1,) the loss before each step and at the end, read-only
    """

    final: Net
    losses: Array


def gradient(net: Net, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Gradient:
    """The gradient of L at samples x (n, D), y (n,), with positive weights (n,), 1 if left out. O(m n D).

    A neuron is active where <a, x> - b > 0, strictly. Raises InputError for other shapes and values.
    """
    return _gradient(net.a, net.b, net.c, net.norm, net.bias, *_samples(net, x, y, weights))


def velocities(net: Net, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Velocities:
    """How the breakplanes of the live neurons move under gradient flow, in the order of `net.breakplanes()`.

    With r = sum w_j r_j and R = sum w_j r_j x_j over the samples the neuron is active on, r_j = f(x_j) - y_j, and
    <xi, R> = R_xi:

        delta_slope' = -(|a|^2 (R_xi - offset r) + c^2 R_xi) / norm^2
        offset'      = (c / (norm |a|)) (r + offset R_xi)
        direction'   = -(c / (norm |a|)) (R - R_xi direction)

    O(m n D). Source: Sahs et al. 2022, section 2.7, with the velocities of the formula sheet in our signs. Raises
    InputError for other shapes and values, and where no neuron has a plane.
    """
    xs, ys, ws = _samples(net, x, y, weights)
    planes = net.breakplanes()
    residual = ws * (net(xs) - ys)
    active = (xs @ net.a.T > net.b)[:, planes.live]
    r, moment = residual @ active, (active * residual[:, None]).T @ xs
    size, c = np.linalg.norm(net.a[planes.live], axis=1), net.c[planes.live]
    along = np.sum(planes.directions * moment, axis=1)
    rate = c / (net.norm * size)
    return Velocities(
        -(size**2 * (along - planes.offsets * r) + c**2 * along) / net.norm**2,
        -rate[:, None] * (moment - along[:, None] * planes.directions),
        rate * (r + planes.offsets * along),
    )


def descend(
    net: Net,
    x: ArrayLike,
    y: ArrayLike,
    lr: float,
    steps: int,
    weights: ArrayLike | None = None,
    train: frozenset[str] | set[str] = frozenset({"a", "b", "c"}),
) -> Descent:
    """Gradient descent: `steps` times parameters -= lr * gradient, for those named in `train`. O(m n D) a step.

    train  any of "a", "b", "c", "bias"

    Raises InputError for other arguments, and if the run diverges, with the step where it did.
    """
    samples = _samples(net, x, y, weights)
    lr = number("lr", lr, above=0.0)
    if not (hasattr(steps, "__index__") and operator.index(steps) >= 0):
        raise InputError(f"steps is {steps!r}: it must be an integer, at least 0")
    if not (train and set(train) <= {"a", "b", "c", "bias"}):
        raise InputError(f"train is {train!r}: it must be a non-empty subset of {{'a', 'b', 'c', 'bias'}}")
    state: dict[str, Any] = {"a": net.a, "b": net.b, "c": net.c, "bias": net.bias}
    losses = np.empty(steps + 1)
    for step in range(steps + 1):
        slope = _gradient(state["a"], state["b"], state["c"], net.norm, state["bias"], *samples)
        losses[step] = slope.loss
        if not np.isfinite(slope.loss):
            raise InputError(f"the run diverged at step {step}: lr is {lr:g}, which is too large")
        if step < steps:
            state |= {name: state[name] - lr * getattr(slope, name) for name in train}
    losses.setflags(write=False)
    return Descent(Net(state["a"], state["b"], state["c"], net.norm, float(state["bias"])), losses)


def _gradient(a: Array, b: Array, c: Array, norm: float, bias: float, x: Array, y: Array, w: Array) -> Gradient:
    before = x @ a.T - b
    active = before > 0
    before *= active
    with np.errstate(over="ignore", invalid="ignore"):  # a diverging run is stopped by its loss
        miss = bias + before @ c / norm - y
        residual = w * miss
        pushed = active * (residual[:, None] / norm)
        return Gradient(
            c[:, None] * (pushed.T @ x),
            -c * pushed.sum(axis=0),
            residual @ before / norm,
            float(residual.sum()),
            0.5 * float(residual @ miss),
        )


def _samples(net: Net, x: ArrayLike, y: ArrayLike, weights: ArrayLike | None) -> tuple[Array, Array, Array]:
    xs = matrix("x", x, "(n, D): a row for each sample")
    if xs.shape[1] != net.dimensions:
        raise InputError(f"x has shape {xs.shape}: the network has {net.dimensions} inputs, one for each column")
    ys = vector("y", y, len(xs), "x")
    ws = np.ones(len(xs)) if weights is None else vector("weights", weights, len(xs), "x")
    if np.any(ws <= 0):
        j = int(np.argmax(ws <= 0))
        raise InputError(f"weights[{j}] is {ws[j]:g}: every weight must be > 0; drop the sample instead")
    return xs, ys, ws
