"""Infinite width: weighted particles (`MeanFieldFlow`, `start`), and the field that moves them.

    f(x) = E c max(a x - b, 0) = E r max(x cos theta + sin theta, 0)

V(r, theta) = sum_j w_j rho_j r max(<x~_j, d>, 0) is the first variation of the loss, x~ = (x, 1) and d = (cos theta,
sin theta). Particles move with minus its gradient, in one of three metrics:

    "full"      z = (a, b, c) under the Euclidean metric: what gradient descent on all parameters does
    "cylinder"  (r, theta) under dr^2 + dtheta^2: the paper's
    "polar"     (r, theta) under dr^2 + r^2 dtheta^2: what training (a, b) alone, or delta = +inf, does

Time is the mean field's (Wasserstein's): for m neurons with norm = m it is lr * steps / m (`GradientFlow`'s time over
the norm); flow (7) of the paper and `CanonicalFlow` take m times as long. A network with norm = sqrt m is the one with
norm = m whose a, b and c are all m^(1/4) times as large; its time is lr * steps / norm as well, so that the law of its
parameters must be as much wider for the same limit. With r = (m / norm) c n kept, and a, b, c of order 1 at any norm,
the rates are m / norm^2 times those of time lr * steps (Williams et al. 2019, Proposition 1, mended).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import freeze, number, numbers, vector
from knotflow.dynamics.canonical import ParticleSession, gauge, tolerance
from knotflow.dynamics.flow import FlowSession, gradient_session
from knotflow.dynamics.nodes import METRICS, Metric, Rule, Start, start
from knotflow.dynamics.trajectory import Trajectory
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.samples import Samples

__all__ = [
    "MeanFieldFlow",
    "Metric",
    "ResidualODE",
    "Rule",
    "Start",
    "potential",
    "residual_ode",
    "sample_roles",
    "start",
    "velocity",
]

Array = NDArray[np.float64]

ROLE = np.dtype(
    [("sample", np.int64), ("facing", "U5"), ("sign", np.int64), ("role", "U15"), ("pull", float), ("bound", float)]
)


@dataclass(frozen=True)
class MeanFieldFlow:
    """The flow of weighted particles, for `evolve`: the limit of infinite width of gradient flow with norm = m.

    metric   "full", "cylinder" or "polar", see `mean_field`
    weights  the particles' weights, > 0, as `start` gives them; None: 1/m each, as for a network of m neurons
    lam      >= 0, adds lam sum_i weight_i |r_i| to the loss; not for "full"
    rtol     wanted accuracy of the function on the samples, relative to the size of y (and of f at the start)

    A weight does not enter its particle's velocity, only its share in f. The trajectory is one of networks of norm 1,
    f = bias + sum_i c_i max(a_i x - b_i, 0): neuron i is sqrt(weight_i) times the particle for "full", where every
    velocity is linear in the particle, so that this is the exact flow of `GradientFlow` on that network; it is
    (cos theta_i, -sin theta_i, weight_i r_i) for "cylinder" and (u_i, -v_i, +-weight_i) for "polar", where the rules
    and the cost are those of `CanonicalFlow`. Any network may start: it is brought to that form, the same function.

    Time is the mean field's, see `mean_field`. Source: Williams et al. 2019, eqs. (8) to (12), mended.
    Raises InputError for another metric, weights that are not positive, lam < 0 and a tolerance outside (0, 0.1].
    """

    metric: Metric = "full"
    weights: Sequence[float] | None = None
    lam: float = 0.0
    rtol: float = 1e-6

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InputError(f"metric is {self.metric!r}; it must be one of {', '.join(map(repr, METRICS))}")
        freeze(self, lam=number("lam", self.lam, least=0.0), rtol=tolerance(self.rtol))
        if self.metric == "full" and self.lam > 0:
            raise InputError(f'lam is {self.lam:g}; a penalty on r needs the metric "cylinder" or "polar"')
        if self.weights is not None:
            weights = vector("weights", self.weights)
            if len(weights) == 0 or not np.all(weights > 0):
                raise InputError("weights must be numbers > 0, one for each particle")
            freeze(self, weights=tuple(weights.tolist()))

    @property
    def train(self) -> frozenset[str]:
        """Which of a network's parameters move: c stands still in the plane."""
        return frozenset({"a", "b"} if self.metric == "polar" else {"a", "b", "c"})

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The same function, and the same particles, in the form of this flow's trajectories. O(m)."""
        weights, unit = _weights(self.weights, net), net.norm**-0.5
        net = net.replace(a=unit * net.a, b=unit * net.b, c=unit * net.c, norm=1.0)
        return net if self.metric == "full" else gauge(net, self.metric, weights)

    def session(self, before: Trajectory) -> FlowSession:
        """The run after ``before``, ready to be carried on."""
        if self.metric == "full":
            return gradient_session(before)
        return ParticleSession(before, self.metric, self.lam, _weights(self.weights, before.start), 1.0)


def _weights(weights: ArrayLike | None, net: ReLUNet) -> Array:
    m = len(net)
    return np.full(m, 1 / m) if weights is None else np.array(vector("weights", weights, m, "the network"))


# --- the field --------------------------------------------------------------------------------------------------


def _pull(net: ReLUNet, data: Samples, theta: Array) -> tuple[Array, Array, Array]:
    """(<g, d>, <g, t>, g) at the angles; g = sum of w_j rho_j (x_j, 1) over the samples active there, (..., 2)."""
    points = data.distinct
    force = points.weight * (net(points.x) - points.y)
    cos, sin = np.cos(theta), np.sin(theta)
    active = np.multiply.outer(cos, points.x) + sin[..., None] > 0
    g = np.stack([active @ (force * points.x), active @ force], axis=-1)
    return g[..., 0] * cos + g[..., 1] * sin, g[..., 1] * cos - g[..., 0] * sin, g


def potential(net: ReLUNet, data: Samples, r: ArrayLike, theta: ArrayLike) -> Array:
    """V(r, theta) = r sum_j w_j rho_j max(x_j cos theta + sin theta, 0), with the residuals rho of ``net``.

    The gradient of V at particle i is 1/weight_i times that of the loss. Shapes broadcast; O(size s).
    Source: Williams et al. 2019, arXiv eqs. (8) to (11): m (not m/2) times the loss's gradient.
    """
    r, theta = np.broadcast_arrays(numbers("r", r), numbers("theta", theta))
    return r * _pull(net, data, theta)[0]


def velocity(
    net: ReLUNet, data: Samples, r: ArrayLike, theta: ArrayLike, metric: Metric = "cylinder", delta: float = 0.0,
    plane: bool = False,
) -> tuple[Array, Array]:  # fmt: skip
    """(r', theta') of a particle at (r, theta), or (u', v') of (u, v) = |r| d, in mean-field time.

        r' = -S <g, d>,  theta' = -(r / n^2) <g, t>,  (u, v)' = (sign r) r' d + |r| theta' t

    with S = n^2 = 1 for "cylinder"; S = 1, n^2 = r^2 for "polar"; and for "full", where delta = c^2 - n^2 is the
    particle's own constant and r = c n, S = sqrt(delta^2 + 4 r^2) = c^2 + n^2 and n^2 = (S - delta)/2. On a sample's
    ray that sample counts as inactive. Where n = 0, theta' is NaN. Shapes broadcast; O(size s).

    Source: Williams et al. 2019, eqs. (9), (12), (13) and arXiv (19), (47), mended.
    """
    if metric not in METRICS:
        raise InputError(f"metric is {metric!r}; it must be one of {', '.join(map(repr, METRICS))}")
    r, theta = np.broadcast_arrays(numbers("r", r), numbers("theta", theta))
    along, across, _ = _pull(net, data, theta)
    size, square = _mobility(r, metric, number("delta", delta))
    with np.errstate(invalid="ignore", divide="ignore"):
        slide, turn = -size * along, -r * across / square
    if not plane:
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


class ResidualODE(NamedTuple):
    """Proposition 1: rho_j' = -x~_j^T sum of Sigma_k g_k over the arcs k that are active at sample j."""

    slope: Array  # (s,) rho', at the distinct samples
    sigma: Array  # (2s, 2, 2) the arcs' Sigma, numbered from the dead arc against the clock: {}, {s}, {s-1, s}, ...
    g: Array  # (2s, 2) sum of w_j rho_j (x_j, 1) over each arc's active samples


def residual_ode(
    net: ReLUNet, data: Samples, metric: Metric = "full", weights: Sequence[float] | None = None
) -> ResidualODE:
    """How fast the residuals rho_j = f(x_j) - y_j change in mean-field time, and the matrices that say so.

        rho_j' = -x~_j^T sum_k Sigma_k g_k,   Sigma_k = integral over arc k of r^2 t t^T + d d^T         ("cylinder")
                                                                       of the identity                    ("polar")
                                                                       of c^2 t t^T + (n^2 + c^2) d d^T   ("full")

    over the particles of ``net``, weighted by ``weights`` (None: 1/m). In the time of `GradientFlow` and norm = m, or
    of `CanonicalFlow`, it is 1/m of this (not printed). Particles that slide along a ray are taken as if they were
    free on its inactive side. O(m s).

    Source: Williams et al. 2019, Proposition 1, with the factor and the matrix d d^T mended.
    """
    flow = MeanFieldFlow(metric, weights)
    share = _weights(flow.weights, net)
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


def _arcs(a: Array, b: Array, x: Array) -> NDArray[np.int64]:
    """The arc of each neuron, as `engine.arcs` numbers them: its first active sample decides, or its last. O(m s)."""
    active = np.multiply.outer(a, x) - b[:, None] > 0
    count, s = active.sum(axis=1), x.size
    return np.where((count == 0) | active[:, -1], count, 2 * s - count)


def _activity(s: int) -> Array:
    """(2s, s): 1 where an arc is active at a sample."""
    arc, sample = np.arange(2 * s)[:, None], np.arange(s)
    return ((arc >= s - sample) & (arc <= 2 * s - 1 - sample)).astype(float)


def sample_roles(net: ReLUNet, data: Samples) -> NDArray[np.void]:
    """What each sample does to the knots that come to it: a table of 4s rows, by facing and by the sign of r.

    sample  number of the distinct x;  facing  "right" or "left";  sign  of r, +1 or -1
    role    "attractor": knots of that facing and sign stop there and slide; "repulsor": they leave to both sides;
            "pass"; "death": the border of the dead arc, they run into it; "dead border": they leave it, if they can
    pull    sigma = w_k rho_k sum over S of w_i rho_i (1 + x_i x_k), S the samples k+1.. (right) or ..k-1 (left)
    bound   T = (w_k rho_k)^2 (1 + x_k^2): the sides' velocities differ in sign if and only if -T < sigma < 0

    Then sign rho_k > 0 is an attractor and sign rho_k < 0 a repulsor, in every metric and for every delta. The roles
    follow from the residuals alone and change as these do. Knots gather at smooth minima of sign G inside an arc, too.
    O(s^2). Source: Williams et al. 2019, Lemma 2, replaced: the printed one has one side, and no sign or facing.
    """
    points = data.distinct
    force, x = points.weight * (net(points.x) - points.y), points.x
    table = np.empty(4 * x.size, ROLE)
    pair = np.outer(force, force) * (1 + np.outer(x, x))
    bound = np.diag(pair).copy()
    row = 0
    for facing, pull in (("right", np.triu(pair, 1).sum(axis=1)), ("left", np.tril(pair, -1).sum(axis=1))):
        edge = x.size - 1 if facing == "right" else 0
        for k in range(x.size):
            for sign in (1, -1):
                inwards = sign * force[k] > 0
                if k == edge:
                    role = "death" if inwards else "dead border"
                elif -bound[k] < pull[k] < 0:
                    role = "attractor" if inwards else "repulsor"
                else:
                    role = "pass"
                table[row] = (k, facing, sign, role, pull[k], bound[k])
                row += 1
    return table
