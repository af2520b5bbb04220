"""What the checks share: random cases, networks and gradients written out by their definitions, and errors.

`Case` and what follows it have the letters of Williams et al. 2019: z = (a, b, c), w = (r, theta), residuals f - y.
`Theta` and what follows it have those of Sahs et al. 2022: f(x) = b0 + sum_i v_i (w_i x + b_i)_+, residuals
eps = y - f, breakpoints beta = -b/w, delta-slopes mu = w v, orientations s = sgn w; `Theta.net` is the same as a
`ReLUNet`, whose b and residual have the other sign. No number here is computed by knotflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.optimize import linprog

import knotflow as kf

Array = NDArray[np.float64]
Rng = np.random.Generator

Z = 4.0  # standard errors by which a Monte Carlo estimate may be off
KS = 1.95  # sqrt(n) times the Kolmogorov-Smirnov distance: its 0.1 % quantile
ROUNDING = 1e-10


# -- errors ----------------------------------------------------------------------------------------------


def relative(value: ArrayLike, truth: ArrayLike) -> float:
    """max |value - truth| / max |truth|."""
    value, truth = np.asarray(value, float), np.asarray(truth, float)
    return float(np.max(np.abs(value - truth)) / max(np.max(np.abs(truth)), np.finfo(float).tiny))


def z_score(samples: Array, mean: float) -> float:
    """|mean of the samples - mean| in standard errors."""
    return float(abs(np.mean(samples) - mean) / (np.std(samples, ddof=1) / np.sqrt(len(samples))))


def z_share(hits: int, n: int, p: float) -> float:
    """|hits / n - p| in the standard errors of a share; p exactly 0 or 1 must be met exactly."""
    spread = np.sqrt(p * (1 - p) / n)
    miss = abs(hits / n - p)
    return float(miss / spread) if spread > 0 else (0.0 if miss == 0 else np.inf)


def ks(samples: Array, cdf: Callable[[Array], Array]) -> float:
    """sqrt(n) times the Kolmogorov-Smirnov distance of samples and a continuous cdf."""
    return float(np.sqrt(len(samples)) * stats.kstest(samples, cdf).statistic)


def order(x: ArrayLike, error: ArrayLike) -> float:
    """The exponent p in error ~ x^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log(np.asarray(x, float)), np.log(np.asarray(error, float)), 1)[0])


def natural_spline(x: Array, y: Array, at: Array) -> Array:
    """The natural cubic spline through the data, by SciPy."""
    return CubicSpline(x, y, bc_type="natural")(at)


def rms(values: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2)))


# -- Williams et al. 2019 ----------------------------------------------------------------------------------


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
    def sizes(self) -> tuple[Array, Array]:
        """(n^2, c^2), n^2 = a^2 + b^2."""
        return self.net.a**2 + self.net.b**2, self.net.c**2

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
    return anp.dot(hinges(x, theta), r) / len(r)


def hinges(x: ArrayLike, theta: Any) -> Any:
    """(len x, len theta) the values of neurons of |(a, b)| = 1 in these directions; autograd goes through."""
    return anp.maximum(anp.outer(x, anp.cos(theta)) + anp.sin(theta), 0.0)


def features(net: kf.ReLUNet, x: Array) -> Array:
    """(len x, m) what c is multiplied by in f."""
    return np.maximum(np.outer(x, net.a) - net.b, 0.0) / net.norm


def slope(case: Case, z: Array | None = None) -> Array:
    """dL/dz by automatic differentiation."""
    return autograd.grad(lambda q: 0.5 * anp.sum((output(q, case.x, case.net.norm) - case.y) ** 2))(
        case.z if z is None else z
    )


def canonical_slope(case: Case, w: Array | None = None) -> Array:
    """dL~/dw by automatic differentiation."""
    return autograd.grad(lambda q: 0.5 * anp.sum((canonical_output(q, case.x) - case.y) ** 2))(
        case.w if w is None else w
    )


def follow(field: Callable[[Array], Array], start: Array, until: float) -> Array:
    """The end of the path of z' = field(z), by SciPy."""
    path = solve_ivp(lambda _, z: field(z), (0, until), start, "DOP853", rtol=1e-10, atol=1e-12, max_step=until / 200)
    return path.y[:, -1]


def least_variation(units: Array, y: Array) -> float:
    """min sum |r| subject to units r = y, by SciPy's linear program."""
    return float(linprog(np.ones(2 * units.shape[1]), A_eq=np.hstack([units, -units]), b_eq=y).fun)


def pull(x: Array, rho: Array, theta: ArrayLike) -> tuple[Array, Array, Array]:
    """g, <g, d> and <g, t> at angles: g sums rho_j (x_j, 1) over the samples active there."""
    theta = np.asarray(theta, float)
    d, t = np.stack([np.cos(theta), np.sin(theta)], -1), np.stack([-np.sin(theta), np.cos(theta)], -1)
    tilde = np.stack([x, np.ones_like(x)], -1)
    g = ((d @ tilde.T > 0) * rho) @ tilde
    return g, np.sum(g * d, -1), np.sum(g * t, -1)


# -- Sahs et al. 2022 --------------------------------------------------------------------------------------


class Theta(NamedTuple):
    """The paper's parameters."""

    w: Array
    b: Array
    v: Array
    b0: float = 0.0

    @classmethod
    def of(cls, net: kf.ReLUNet) -> Theta:
        """The paper's parameters of a network with norm 1."""
        return cls(net.a, -net.b, net.c, net.bias)

    @property
    def net(self) -> kf.ReLUNet:
        return kf.ReLUNet(self.w, -self.b, self.v, bias=self.b0)

    @property
    def beta(self) -> Array:
        return -self.b / self.w

    @property
    def mu(self) -> Array:
        return self.w * self.v

    @property
    def flat(self) -> Array:
        return np.concatenate([self.w, self.b, self.v, [self.b0]])

    def __call__(self, x: ArrayLike) -> Array:
        """f by its definition."""
        return self.b0 + np.maximum(np.multiply.outer(np.asarray(x, float), self.w) + self.b, 0) @ self.v

    def loss(self, x: Array, y: Array) -> float:
        return 0.5 * float(np.sum((self(x) - y) ** 2))


def draw(rng: Rng, m: int) -> Theta:
    """A lopsided network without neurons near w = 0 or v = 0."""
    w = rng.choice([-1.0, 1.0], m) * rng.uniform(0.4, 2.0, m)
    v = rng.choice([-1.0, 1.0], m, p=[0.4, 0.6]) * rng.uniform(0.3, 1.8, m)
    return Theta(w, -w * rng.uniform(-1.8, 2.2, m), v, float(rng.normal()))


def placed(beta: ArrayLike, mu: ArrayLike, s: ArrayLike, b0: float = 0.0, size: ArrayLike = 1.0) -> Theta:
    """The network with these breakpoints, delta-slopes and orientations, and |w| = size."""
    w = np.asarray(s, float) * np.asarray(size, float)
    return Theta(w, -w * np.asarray(beta, float), np.asarray(mu, float) / w, b0)


def data(rng: Rng, n: int, lo: float = -2.0, hi: float = 2.0) -> tuple[Array, Array]:
    """Well separated x, ascending, and y."""
    step = (hi - lo) / n
    return lo + step * (np.arange(n) + rng.uniform(0.2, 0.8, n)), rng.normal(0.4, 1.0, n)


def hinge(x: ArrayLike, beta: ArrayLike, s: ArrayLike) -> Array:
    """(x - beta)_s, (len x, len beta): zero or negative where s = -1."""
    d = np.subtract.outer(np.asarray(x, float), beta)
    return np.where(np.asarray(s) > 0, np.maximum(d, 0), np.minimum(d, 0))


def flat_start(rng: Rng, m: int, size: ArrayLike = 1.0) -> Theta:
    """v = 0 and breakpoints over the data, facings at random."""
    return placed(np.linspace(-2.4, 2.4, m), np.zeros(m), rng.choice([-1, 1], m), 0.0, size)


def objective(x: Array, y: Array) -> Callable[[Any], Any]:
    """The loss as a function of the flat parameters w, b, v, b0, for autograd."""

    def loss(p: Any) -> Any:
        m = (len(p) - 1) // 3
        h = anp.maximum(anp.outer(x, p[:m]) + p[m : 2 * m], 0.0)
        return 0.5 * anp.sum((p[-1] + anp.dot(h, p[2 * m : 3 * m]) - y) ** 2)

    return loss


def gradient(theta: Theta, x: Array, y: Array) -> Array:
    """By autograd, in the order w, b, v, b0."""
    return np.asarray(autograd.grad(objective(x, y))(theta.flat))


def hessian(theta: Theta, x: Array, y: Array) -> Array:
    """By autograd, in the order w, b, v, b0."""
    return np.asarray(autograd.hessian(objective(x, y))(theta.flat))


def jacobian(theta: Theta, x: Array) -> Array:
    """(len x, 3m + 1) derivatives of f by autograd: the vectors of the set B."""
    m = len(theta.w)

    def f(p: Any) -> Any:
        return p[-1] + anp.dot(anp.maximum(anp.outer(x, p[:m]) + p[m : 2 * m], 0.0), p[2 * m : 3 * m])

    return np.asarray(autograd.jacobian(f)(theta.flat))


def signs(m: int) -> Array:
    """What turns derivatives in w, b, v, b0 into those of knotflow, whose b is -b."""
    return np.concatenate([np.ones(m), -np.ones(m), np.ones(m + 1)])


def rank(matrix: Array) -> int:
    """By singular values, up to 1e-9 of the largest."""
    sizes = np.linalg.svd(matrix, compute_uv=False)
    return int(np.sum(sizes > 1e-9 * sizes[0])) if sizes[0] > 0 else 0


def critical_targets(rng: Rng, theta: Theta, x: Array) -> Array:
    """y that make theta a critical point with residuals: residuals in the null space of the Jacobian's transpose."""
    u, sizes, _ = np.linalg.svd(jacobian(theta, x))
    free = u[:, int(np.sum(sizes > 1e-9 * sizes[0])) :]
    return theta(x) + free @ rng.normal(size=free.shape[1])
