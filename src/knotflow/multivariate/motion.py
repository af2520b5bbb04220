"""How a network of D inputs moves under gradient descent on L = 1/2 sum_j w_j (f(x_j) - y_j)^2."""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import count, instance, number, shown, vector
from knotflow._deprecated import warn
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.multivariate.net import Net, matrix

Data: TypeAlias = "tuple[ArrayLike, ArrayLike] | Samples"
F = TypeVar("F", bound=Callable[..., Any])

_TRAINED = frozenset({"a", "b", "c"})


def _old_order(*names: str) -> Callable[[F], F]:
    """Decorator: (net, x, y, ...), the rest called `names`, still works for (net, (x, y), ...), with a warning."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(net: Net, *args: Any, **options: Any) -> Any:
            rest = [options.pop(name) for name in ("x", "y") if name in options]
            if rest or (len(args) >= 2 and np.ndim(args[1]) > 0):
                warn(f"{function.__name__}(net, x, y, ...)", f"{function.__name__}(net, (x, y), ...)")
                x, y, *others = [*args[: 2 - len(rest)], *rest, *args[2 - len(rest) :]]
                return function(net, (x, y), **dict(zip(names, others, strict=False)), **options)
            return function(net, *args, **options)

        return cast("F", call)

    return decorate


@immutable
class Gradient(NamedTuple):
    """The gradient of the loss by parameter, and the loss itself. Made by `gradient`.

    Attributes
    ----------
    a : ndarray of shape (m, D)
        By the inner weights.
    b, c : ndarray of shape (m,)
        By the thresholds and the outer weights.
    bias : float
        By the output bias.
    loss : float
        1/2 sum_j w_j (f(x_j) - y_j)^2.

    Examples
    --------
    >>> from knotflow.multivariate import Net, gradient
    >>> gradient(Net([[1.0, 2.0]], [0.0], [1.0]), ([[1.0, 1.0]], [1.0]))
    Gradient(1 neurons, 2 inputs; loss=2, length=7.2111)
    """

    a: Array
    b: Array
    c: Array
    bias: float
    loss: float

    def __repr__(self) -> str:
        size = np.sqrt(sum(float(np.sum(np.square(each))) for each in self[:4]))
        return f"Gradient({self.a.shape[0]} neurons, {self.a.shape[1]} inputs; loss={self.loss:.6g}, length={size:.6g})"


@immutable
class Velocities(NamedTuple):
    """Time derivatives of the breakplanes, in the order of `Net.breakplanes()`. Made by `velocities`.

    Attributes
    ----------
    delta_slopes : ndarray of shape (k,)
        Of the delta-slopes.
    directions : ndarray of shape (k, D)
        Of the unit normals: orthogonal to them.
    offsets : ndarray of shape (k,)
        Of the offsets.

    Examples
    --------
    >>> from knotflow.multivariate import Net, velocities
    >>> velocities(Net([[3.0, 4.0]], [0.0], [1.0]), ([[1.0, 0.0]], [0.0])).offsets
    array([0.6])
    """

    delta_slopes: Array
    directions: Array
    offsets: Array

    def __repr__(self) -> str:
        return f"Velocities({len(self.offsets)} planes in {self.directions.shape[1]} dimensions)"


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Descent:
    """What `descend` leaves.

    Attributes
    ----------
    final : Net
        The network after the last step.
    losses : ndarray of shape (steps + 1,)
        The loss before each step and at the end, read-only.

    Examples
    --------
    >>> from knotflow.multivariate import Net, descend
    >>> run = descend(Net([[1.0, 0.0]], [0.0], [1.0]), ([[1.0, 1.0]], [0.0]), lr=0.25, steps=1)
    >>> run.losses.round(4), run.final.c
    (array([0.5   , 0.0176]), array([0.75]))
    """

    final: Net
    losses: Array

    def __repr__(self) -> str:
        return f"Descent({len(self.losses) - 1} steps, loss {self.losses[0]:.6g} -> {self.losses[-1]:.6g})"


@_old_order("weights")
def gradient(net: Net, data: Data, *, weights: ArrayLike | None = None) -> Gradient:
    """The gradient of L = 1/2 sum_j w_j (f(x_j) - y_j)^2 by all parameters.

    A neuron is active where <a, x> - b > 0, strictly.

    Parameters
    ----------
    net : Net
        m neurons, D inputs.
    data : (x, y) or Samples
        x of shape (n, D) and y of shape (n,); or Samples, with their weights, if D = 1.
    weights : array_like of shape (n,), optional
        Positive; 1 if left out.

    Returns
    -------
    Gradient
        By a, b, c and bias, with the loss. O(m n D).

    Raises
    ------
    InputError
        For other shapes and values.

    Examples
    --------
    >>> from knotflow.multivariate import Net, gradient
    >>> net = Net([[1.0, 2.0]], [0.0], [1.0])
    >>> gradient(net, ([[1.0, 1.0]], [1.0])).a
    array([[2., 2.]])
    """
    samples = _samples(net, data, weights)
    return _gradient(net.a, net.b, net.c, net.norm, net.bias, *samples)


@_old_order("weights")
def velocities(net: Net, data: Data, *, weights: ArrayLike | None = None) -> Velocities:
    """How the breakplanes of the live neurons move under gradient flow, in the order of `net.breakplanes()`.

    With r = sum w_j r_j and R = sum w_j r_j x_j over the samples the neuron is active on, r_j = f(x_j) - y_j, and
    <xi, R> = R_xi:

        delta_slope' = -(|a|^2 (R_xi - offset r) + c^2 R_xi) / norm^2
        offset'      = (c / (norm |a|)) (r + offset R_xi)
        direction'   = -(c / (norm |a|)) (R - R_xi direction)

    Parameters
    ----------
    net : Net
        m neurons, D inputs.
    data : (x, y) or Samples
        x of shape (n, D) and y of shape (n,); or Samples, with their weights, if D = 1.
    weights : array_like of shape (n,), optional
        Positive; 1 if left out.

    Returns
    -------
    Velocities
        Of delta-slopes, directions and offsets. O(m n D).

    Raises
    ------
    InputError
        For other shapes and values, and where no neuron has a plane.

    References
    ----------
    Sahs et al. 2022, section 2.7, corrected and in our signs.

    Examples
    --------
    >>> from knotflow.multivariate import Net, velocities
    >>> net = Net([[3.0, 4.0]], [0.0], [1.0])
    >>> velocities(net, ([[1.0, 0.0]], [0.0])).directions.round(6)
    array([[-0.384,  0.288]])
    """
    xs, ys, ws = _samples(net, data, weights)
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


@_old_order("lr", "steps", "weights", "train")
def descend(
    net: Net,
    data: Data,
    lr: float,
    steps: int,
    *,
    weights: ArrayLike | None = None,
    train: Collection[str] = _TRAINED,
) -> Descent:
    """Gradient descent: `steps` times parameters -= lr * gradient.

    Parameters
    ----------
    net : Net
        The start: m neurons, D inputs.
    data : (x, y) or Samples
        x of shape (n, D) and y of shape (n,); or Samples, with their weights, if D = 1.
    lr : float
        Learning rate > 0, for the sum over the samples (not the mean).
    steps : int
        How many updates, at least 0.
    weights : array_like of shape (n,), optional
        Positive; 1 if left out.
    train : collection of str
        Which parameters move: any of "a", "b", "c", "bias".

    Returns
    -------
    Descent
        The network at the end and the loss before each step. O(m n D) a step.

    Raises
    ------
    InputError
        For other arguments, and if the run diverges, with the step where it did.

    Examples
    --------
    >>> from knotflow.multivariate import Net, descend
    >>> run = descend(Net([[1.0, 2.0]], [0.0], [1.0]), ([[1.0, 1.0], [2.0, 0.0]], [1.0, 3.0]), lr=0.01, steps=50)
    >>> run
    Descent(50 steps, loss 2.5 -> 1.06725)
    """
    samples = _samples(net, data, weights)
    lr, steps = number("lr", lr, above=0.0), count("steps", steps)
    names = {"a", "b", "c", "bias"}
    listed = train if isinstance(train, Set | list | tuple) else ()
    if not listed or not all(isinstance(each, str) and each in names for each in listed):
        raise InputError(f"train is {shown(train)}: it must be a non-empty subset of {{'a', 'b', 'c', 'bias'}}")
    state: dict[str, Any] = {"a": net.a, "b": net.b, "c": net.c, "bias": net.bias}
    losses = np.empty(steps + 1)
    for step in range(steps + 1):
        slope = _gradient(state["a"], state["b"], state["c"], net.norm, state["bias"], *samples)
        losses[step] = slope.loss
        if not np.isfinite(slope.loss):
            raise InputError(f"lr is {lr:g}: it must be smaller, because the run diverged at step {step}")
        if step < steps:
            with np.errstate(over="ignore"):  # a diverging run is stopped by its loss
                state |= {name: state[name] - lr * getattr(slope, name) for name in listed}
    losses.setflags(write=False)
    return Descent(Net(state["a"], state["b"], state["c"], net.norm, float(state["bias"])), losses)


def _gradient(a: Array, b: Array, c: Array, norm: float, bias: float, x: Array, y: Array, w: Array) -> Gradient:
    with np.errstate(over="ignore", invalid="ignore"):  # a diverging run is stopped by its loss
        before = x @ a.T - b
        active = before > 0
        before *= active
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


def _samples(net: Net, data: Data, weights: ArrayLike | None) -> tuple[Array, Array, Array]:
    instance("net", net, Net, "a Net of knotflow.multivariate")
    x: ArrayLike
    y: ArrayLike
    if isinstance(data, Samples):
        x, y = data.x[:, None], data.y
        weights = data.weights if weights is None else weights
    else:
        if not isinstance(data, tuple | list) or len(data) != 2:
            raise InputError(f"data is of type {type(data).__name__}: it must be a pair (x, y), or Samples")
        x, y = data
    xs = matrix("x", x, "(n, D): a row for each sample")
    if xs.shape[1] != net.dimensions:
        raise InputError(f"x has shape {xs.shape}: it must have {net.dimensions} columns, one for each input")
    ys = vector("y", y, len(xs), "x")
    ws = np.ones(len(xs)) if weights is None else vector("weights", weights, len(xs), "x")
    if np.any(ws <= 0):
        j = int(np.argmax(ws <= 0))
        raise InputError(f"weights[{j}] is {ws[j]:g}: every weight must be > 0; drop the sample instead")
    return xs, ys, ws
