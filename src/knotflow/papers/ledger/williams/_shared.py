"""What the checks of this package share: dense twins of the network and of its gradient, and random cases.

Nothing here but `case` uses knotflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import grad
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

import knotflow as kf
from knotflow.papers.ledger.entry import Entry, Outcome

Array = NDArray[np.float64]
Rng = np.random.Generator
Check = Callable[[Rng, bool], Outcome]

Z = 4.0  # a Monte Carlo estimate may be so many standard errors off
ROUNDING = 1e-10
PAPER = "williams2019"


def claim(
    name: str, *, place: str, statement: str, oracle: str, corrected: str = ""
) -> Callable[[Check], Entry]:  # fmt: skip
    """Make the check below it an entry."""
    return lambda check: Entry(name, PAPER, place, statement, corrected, oracle, check)


class Case(NamedTuple):
    """A random network, z = (a, b, c) in one vector, and samples in ascending order."""

    net: kf.ReLUNet
    data: kf.Samples
    x: Array
    y: Array

    @property
    def z(self) -> Array:
        return np.concatenate([self.net.a, self.net.b, self.net.c])

    @property
    def w(self) -> Array:
        """(r, theta) by equation (5), with atan2, in one vector."""
        a, b, c = self.z.reshape(3, -1)
        return np.concatenate([len(a) / self.net.norm * c * np.hypot(a, b), np.mod(np.arctan2(-b, a), 2 * np.pi)])

    @property
    def residuals(self) -> Array:
        return output(self.z, self.x, self.net.norm) - self.y


def case(rng: Rng, m: int = 12, s: int = 6, norm: float = 2.2) -> Case:
    """Lopsided: well separated x, neurons away from a = 0 and c = 0."""
    x = -1.5 + 3 / s * (np.arange(s) + rng.uniform(0.2, 0.8, s))
    y = rng.normal(0.3, 1.0, s)
    a = rng.choice([-1.0, 1.0], m) * rng.uniform(0.4, 1.8, m)
    c = rng.choice([-1.0, 1.0], m) * rng.uniform(0.3, 1.6, m)
    return Case(kf.ReLUNet(a, a * rng.uniform(-1.4, 1.6, m), c, norm), kf.Samples(x, y), x, y)


def output(z: Any, x: ArrayLike, norm: float) -> Any:
    """f by its definition; autograd goes through."""
    a, b, c = anp.reshape(z, (3, -1))
    return anp.dot(anp.maximum(anp.outer(x, a) - b, 0.0), c) / norm


def canonical_output(w: Any, x: ArrayLike) -> Any:
    """f~ of equation (4)."""
    r, theta = anp.reshape(w, (2, -1))
    return anp.dot(anp.maximum(anp.outer(x, anp.cos(theta)) + anp.sin(theta), 0.0), r) / len(r)


def slope(case: Case, z: Array | None = None) -> Array:
    """dL/dz by automatic differentiation."""
    return grad(lambda q: 0.5 * anp.sum((output(q, case.x, case.net.norm) - case.y) ** 2))(case.z if z is None else z)


def canonical_slope(case: Case, w: Array | None = None) -> Array:
    """dL~/dw by automatic differentiation."""
    return grad(lambda q: 0.5 * anp.sum((canonical_output(q, case.x) - case.y) ** 2))(case.w if w is None else w)


def follow(field: Callable[[Array], Array], start: Array, until: float) -> Array:
    """The end of the path of z' = field(z), by SciPy."""
    path = solve_ivp(lambda _, z: field(z), (0, until), start, "DOP853", rtol=1e-10, atol=1e-12, max_step=until / 200)
    return path.y[:, -1]


def pull(x: Array, rho: Array, theta: ArrayLike) -> tuple[Array, Array, Array]:
    """g, <g, d> and <g, t> at angles: g sums rho_j (x_j, 1) over the samples active there."""
    theta = np.asarray(theta, float)
    d, t = np.stack([np.cos(theta), np.sin(theta)], -1), np.stack([-np.sin(theta), np.cos(theta)], -1)
    tilde = np.stack([x, np.ones_like(x)], -1)
    g = ((d @ tilde.T > 0) * rho) @ tilde
    return g, np.sum(g * d, -1), np.sum(g * t, -1)


def relative(found: ArrayLike, truth: ArrayLike) -> float:
    """Largest difference over the largest true value."""
    truth = np.asarray(truth, float)
    return float(np.max(np.abs(np.asarray(found) - truth)) / np.max(np.abs(truth)))
