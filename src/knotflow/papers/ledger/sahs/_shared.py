"""What the checks of this package share: the paper's letters, dense twins, and automatic differentiation.

The paper's network is f(x) = b0 + sum_i v_i (w_i x + b_i)_+, its residual eps = y - f; breakpoints are beta = -b/w,
delta-slopes mu = w v, orientations s = sgn w. `Theta` holds (w, b, v, b0); `Theta.net` is the same as a `ReLUNet`,
whose b and residual have the other sign. Nothing here but `Theta.net` uses knotflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

import knotflow as kf

Array = NDArray[np.float64]
Rng = np.random.Generator

Z = 4.0  # a Monte Carlo estimate may be so many standard errors off
KS = 1.95  # sqrt(n) times the Kolmogorov-Smirnov distance: its 0.1 % quantile
ROUNDING = 1e-10


class Theta(NamedTuple):
    """The paper's parameters."""

    w: Array
    b: Array
    v: Array
    b0: float = 0.0

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


# -- automatic differentiation -----------------------------------------------------------------------------


def objective(x: Array, y: Array) -> Callable[[Any], Any]:
    """The loss as a function of the flat parameters w, b, v, b0, for autograd."""
    import autograd.numpy as anp

    def loss(p: Any) -> Any:
        m = (len(p) - 1) // 3
        h = anp.maximum(anp.outer(x, p[:m]) + p[m : 2 * m], 0.0)
        return 0.5 * anp.sum((p[-1] + anp.dot(h, p[2 * m : 3 * m]) - y) ** 2)

    return loss


def gradient(theta: Theta, x: Array, y: Array) -> Array:
    """By autograd, in the order w, b, v, b0."""
    from autograd import grad

    return np.asarray(grad(objective(x, y))(theta.flat))


def hessian(theta: Theta, x: Array, y: Array) -> Array:
    """By autograd, in the order w, b, v, b0."""
    from autograd import hessian as second

    return np.asarray(second(objective(x, y))(theta.flat))


def jacobian(theta: Theta, x: Array) -> Array:
    """(len x, 3m + 1) derivatives of f by autograd: the vectors of the set B."""
    import autograd.numpy as anp
    from autograd import jacobian as first

    m = len(theta.w)

    def f(p: Any) -> Any:
        return p[-1] + anp.dot(anp.maximum(anp.outer(x, p[:m]) + p[m : 2 * m], 0.0), p[2 * m : 3 * m])

    return np.asarray(first(f)(theta.flat))


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


# -- errors --------------------------------------------------------------------------------------------------


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
    from scipy import stats

    return float(np.sqrt(len(samples)) * stats.kstest(samples, cdf).statistic)


def order(x: ArrayLike, error: ArrayLike) -> float:
    """The exponent p in error ~ x^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log(np.asarray(x, float)), np.log(np.asarray(error, float)), 1)[0])


def rms(values: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2)))
