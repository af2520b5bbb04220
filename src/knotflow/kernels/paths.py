"""Training in closed form at infinite width: the path of a kernel's gradient flow over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import number, numbers
from knotflow.dynamics.lazy_flow import Modes, moment
from knotflow.errors import InputError
from knotflow.kernels.interpolation import Kernel, gram, points_of
from knotflow.samples import Samples

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class KernelPath:
    """f_t for every t >= 0, infinity included, of df_t(x)/dt = -pace sum_j w_j K(x, x_j) (f_t(x_j) - y_j).

        f_t(x) = f_0(x) + K(x, X) K^-1 (1 - exp(-pace K W t)) (y - f_0(X)),    residuals exp(-pace K W t) (f_0(X) - y)

    Where K is singular, what it cannot see stays. Made by `lazy`; every method raises InputError for a negative t.
    """

    kernel: Kernel
    data: Samples
    start: Callable[[Array], ArrayLike]
    pace: float

    @cached_property
    def modes(self) -> Modes:
        """The flow's eigenbasis on the distinct samples."""
        points = points_of(self.data)
        rho = numbers("start(x)", self.start(points.x)) - points.y
        return Modes(self.pace * gram(self.kernel, points.x, points.x), points.weight, rho)

    def __call__(self, x: ArrayLike, t: float) -> Array:
        """f_t(x), in the shape of x. O(s^2), and O(s) for each x."""
        x = numbers("x", x)
        flat = x.ravel()
        push = self.pace * self.modes.impulse(moment(t))
        f = numbers("start(x)", self.start(flat)) - gram(self.kernel, flat, self.data.distinct.x) @ push
        return f.reshape(x.shape)[()]

    def residuals(self, t: float) -> Array:
        """(s,) f_t - y on the distinct samples."""
        return self.modes.residuals(moment(t))

    def loss(self, t: float) -> float:
        """1/2 sum_j w_j (f_t(x_j) - y_j)^2, over all samples."""
        return self.modes.loss(moment(t)) + self.data.distinct.within

    def degrees_of_freedom(self, t: float) -> float:
        """The trace of the matrix that takes y - f_0 to f_t - f_0 on the distinct samples: sum_k 1 - exp(-rate_k t)."""
        return self.modes.degrees_of_freedom(moment(t))

    def time_of(self, degrees_of_freedom: float) -> float:
        """The time at which the path has that many degrees of freedom: where to stop early. InputError if never."""
        from scipy.optimize import brentq

        wanted, most = number("degrees_of_freedom", degrees_of_freedom), self.degrees_of_freedom(np.inf)
        if not 0 <= wanted < most:
            raise InputError(f"degrees_of_freedom is {wanted:g}: it must be at least 0 and less than {most:g}")
        if wanted == 0:
            return 0.0
        rates = self.modes.rates[self.modes.rates > 0]
        # Each mode alone would have wanted / most of itself by then: the slowest and the fastest enclose the answer.
        log = np.log(-np.log1p(-wanted / most))
        lo, hi = log - np.log(rates.max()) - 1e-9, log - np.log(rates.min()) + 1e-9
        return float(np.exp(brentq(lambda v: self.degrees_of_freedom(float(np.exp(v))) - wanted, lo, hi, xtol=1e-13)))

    def times(self, count: int = 100) -> Array:
        """(count,) times on a logarithmic scale, from when nothing has happened to when all has."""
        rates = self.modes.rates[self.modes.rates > 0]
        if not len(rates):
            return np.linspace(0.0, 1.0, count)
        return np.geomspace(1e-2 / rates.max(), 1e2 / rates.min(), count)


def lazy(
    kernel: Kernel,
    data: Samples,
    start: Callable[[Array], ArrayLike] | float = 0.0,
    pace: float = 1.0,
) -> KernelPath:
    """The path of training under a fixed kernel, from `start`, solved at every time at once: see `KernelPath`.

    kernel  of `rf`, `ntk`, `empirical_ntk`, or a function that gives the matrix of all pairs
    start   f_0: a function, such as the network at its start, or a constant
    pace    what the kernel is multiplied by. With pace = m / norm^2 and a kernel of `rf` or `ntk`, t is the time of
            the gradient flow of a network of m neurons: n steps of descent last n lr. `empirical_ntk` has it already

    Early stopping is regularisation: f_t has `degrees_of_freedom(t)` from 0 to s, and `time_of` inverts it; f at
    t = infinity is what `interpolate` gives, but for a start. O(s^3) once.

    Source: Williams et al. 2019, eqs. (15), (16) and arXiv eq. (22), from any start and at any time.
    """
    points_of(data)
    constant = 0.0 if callable(start) else number("start", start)

    def flat(x: Array) -> Array:
        return np.full(x.shape, constant)

    return KernelPath(kernel, data, start if callable(start) else flat, number("pace", pace, above=0.0))
