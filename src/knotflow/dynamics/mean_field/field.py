"""The field that moves particles: its potential, its velocity, and the equation of the residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, flag, in_range, number, numbers
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.dynamics.mean_field.flow import METRICS, MeanFieldFlow, Metric, shares
from knotflow.network import ReLUNet
from knotflow.network.subject import subject

__all__ = ["ResidualODE", "potential", "residual_ode", "velocity"]


def _pull(net: ReLUNet, data: Samples, theta: Array) -> tuple[Array, Array, Array]:
    """(<g, d>, <g, t>, g) at the angles; g = sum of w_j rho_j (x_j, 1) over the samples active there, (..., 2)."""
    points = data.distinct
    force = points.weight * (net(points.x) - points.y)
    cos, sin = np.cos(theta), np.sin(theta)
    active = np.multiply.outer(cos, points.x) + sin[..., None] > 0
    g = np.stack([active @ (force * points.x), active @ force], axis=-1)
    return g[..., 0] * cos + g[..., 1] * sin, g[..., 1] * cos - g[..., 0] * sin, g


def potential(net: ReLUNet, data: Samples, r: ArrayLike, theta: ArrayLike) -> Array:
    """The first variation of the loss: V(r, theta) = r sum_j w_j rho_j max(x_j cos theta + sin theta, 0).

    Parameters
    ----------
    net : ReLUNet
        Its residuals rho_j = f(x_j) - y_j are those of the formula.
    data : Samples
        x, y and the weights w.
    r, theta : array-like
        Where; their shapes broadcast.

    Returns
    -------
    array
        V, in the broadcast shape.

    Raises
    ------
    InputError
        For what is no network, no samples or not finite.

    Notes
    -----
    The gradient of V at particle i is 1/weight_i times that of the loss. O(size s).

    References
    ----------
    Williams et al. (2019), arXiv equations (8) to (11): m (not m/2) times the loss's gradient.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [0.0], [0.0]), kf.Samples([0.0, 1.0], [0.0, -1.0])
    >>> float(kf.dynamics.potential(net, data, r=2.0, theta=0.0))
    2.0
    """
    data = subject(net, data)
    r, theta = np.broadcast_arrays(numbers("r", r), numbers("theta", theta))
    pull = _pull(net, data, theta)[0]
    return in_range("r", r, lambda: r * pull)


def velocity(
    net: ReLUNet,
    data: Samples,
    r: ArrayLike,
    theta: ArrayLike,
    metric: Metric = "cylinder",
    delta: float = 0.0,
    *,
    plane: bool = False,
) -> tuple[Array, Array]:
    """(r', theta') of a particle at (r, theta), or (u', v') of (u, v) = |r| d, in mean-field time.

        r' = -S <g, d>,  theta' = -(r / n^2) <g, t>,  (u, v)' = (sign r) r' d + |r| theta' t

    with S = n^2 = 1 for "cylinder"; S = 1, n^2 = r^2 for "polar"; and for "full", where delta = c^2 - n^2 is the
    particle's own constant and r = c n, S = sqrt(delta^2 + 4 r^2) = c^2 + n^2 and n^2 = (S - delta)/2.

    Parameters
    ----------
    net, data
        They give the residuals, as in `potential`.
    r, theta : array-like
        Where; their shapes broadcast. On a sample's ray that sample counts as inactive.
    metric : {"full", "cylinder", "polar"}
        How distances are measured, see `MeanFieldFlow`.
    delta : float
        Of the particle; for "full" only.
    plane : bool
        Whether (u', v') is wanted.

    Returns
    -------
    (array, array)
        In the broadcast shape. Where n = 0, theta' is NaN.

    Raises
    ------
    InputError
        For another metric, and for what is no network, no samples or not finite.

    Notes
    -----
    O(size s).

    References
    ----------
    Williams et al. (2019), equations (9), (12), (13) and arXiv (19), (47), corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [0.0], [0.0]), kf.Samples([0.0, 1.0], [0.0, -1.0])
    >>> slide, turn = kf.dynamics.velocity(net, data, r=2.0, theta=0.0)
    >>> float(slide), float(turn)
    (-1.0, -2.0)
    """
    data = subject(net, data)
    choice("metric", metric, METRICS)
    r, theta = np.broadcast_arrays(numbers("r", r), numbers("theta", theta))
    along, across, _ = _pull(net, data, theta)
    size, square = _mobility(r, metric, number("delta", delta))
    with np.errstate(invalid="ignore", divide="ignore"):
        slide, turn = -size * along, -r * across / square
    if not flag("plane", plane):
        return slide, turn
    cos, sin = np.cos(theta), np.sin(theta)
    outward, around = np.sign(r) * slide, np.abs(r) * turn
    return outward * cos - around * sin, outward * sin + around * cos


def _mobility(r: Array, metric: Metric, delta: float) -> tuple[Array, Array]:
    """(S, n^2) of particles."""
    if metric != "full":
        return np.ones_like(r), np.ones_like(r) if metric == "cylinder" else r**2
    size = np.hypot(delta, 2 * r)
    with np.errstate(invalid="ignore"):
        square = 2 * r**2 / (size + delta) if delta > 0 else (size - delta) / 2
    return size, square


@immutable
class ResidualODE(NamedTuple):
    """Proposition 1: rho_j' = -x~_j^T sum of Sigma_k g_k over the arcs k that are active at sample j.

    Parameters
    ----------
    slope : (s,)
        rho', at the distinct samples.
    sigma : (2s, 2, 2)
        The arcs' Sigma, numbered from the dead arc against the clock: {}, {s}, {s-1, s}, ...
    g : (2s, 2)
        The sum of w_j rho_j (x_j, 1) over each arc's active samples.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> kf.dynamics.residual_ode(net, data)
    ResidualODE(2 samples, 4 arcs)
    """

    slope: Array
    sigma: Array
    g: Array

    def __repr__(self) -> str:
        return f"ResidualODE({len(self.slope)} samples, {len(self.g)} arcs)"


def residual_ode(
    net: ReLUNet, data: Samples, metric: Metric = "full", weights: Sequence[float] | None = None
) -> ResidualODE:
    """How fast the residuals rho_j = f(x_j) - y_j change in mean-field time, and the matrices that say so.

        rho_j' = -x~_j^T sum_k Sigma_k g_k,   Sigma_k = integral over arc k of r^2 t t^T + d d^T         ("cylinder")
                                                                       of the identity                    ("polar")
                                                                       of c^2 t t^T + (n^2 + c^2) d d^T   ("full")

    Parameters
    ----------
    net : ReLUNet
        Its neurons are the particles.
    data : Samples
        x, y and the samples' weights.
    metric : {"full", "cylinder", "polar"}
        How distances are measured, see `MeanFieldFlow`.
    weights : sequence of float
        The particles' weights; None: 1/m each.

    Returns
    -------
    ResidualODE
        `slope` is rho', `sigma` and `g` the terms of its sum.

    Raises
    ------
    InputError
        For another metric, wrong weights, and for what is no network or no samples.

    Notes
    -----
    In the time of `GradientFlow` and norm = m, or of `CanonicalFlow`, it is 1/m of this (not printed). Particles that
    slide along a ray are taken as if they were free on its inactive side. O(m s).

    References
    ----------
    Williams et al. (2019), Proposition 1, with the factor and the matrix d d^T corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> kf.dynamics.residual_ode(net, data).slope
    array([-5., -9.])
    """
    data = subject(net, data)
    flow = MeanFieldFlow(metric, weights)
    share = shares(flow.weights, net)
    points = data.distinct
    net_of_norm_1 = flow.gauge(net)
    a, b, c = net_of_norm_1.a, net_of_norm_1.b, net_of_norm_1.c
    n2 = a**2 + b**2
    d = np.divide(np.stack([a, -b]), np.sqrt(n2), out=np.zeros((2, len(net))), where=n2 > 0)
    along, across = {
        "full": (n2 + c**2, c**2),
        "cylinder": (share, c**2 / share),
        "polar": (share, share),
    }[metric]
    t = np.stack([-d[1], d[0]])
    matrices = along * d[:, None] * d + across * t[:, None] * t
    arc = _arcs(a, b, points.x)
    sigma = np.zeros((2 * points.x.size, 2, 2))
    np.add.at(sigma, arc, np.moveaxis(matrices, 2, 0))
    active = _activity(points.x.size)
    force = points.weight * (net(points.x) - points.y)
    rows = np.stack([points.x, np.ones_like(points.x)], axis=1)
    g = active @ (force[:, None] * rows)
    slope = -np.sum(rows * (active.T @ np.einsum("kij,kj->ki", sigma, g)), axis=1)
    return ResidualODE(slope, sigma, g)


def _arcs(a: Array, b: Array, x: Array) -> Ints:
    """The arc of each neuron, as `engine.arcs` numbers them: its first active sample decides, or its last. O(m s)."""
    active = np.multiply.outer(a, x) - b[:, None] > 0
    count, s = active.sum(axis=1), x.size
    return np.where((count == 0) | active[:, -1], count, 2 * s - count)


def _activity(s: int) -> Array:
    """(2s, s): 1 where an arc is active at a sample."""
    arc, sample = np.arange(2 * s)[:, None], np.arange(s)
    return ((arc >= s - sample) & (arc <= 2 * s - 1 - sample)).astype(float)
