"""Training in closed form at infinite width: the path of a kernel's gradient flow over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import count as whole
from knotflow._checks import function, number, numbers
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow._values import derived, immutable
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.dynamics.lazy_flow import Modes
from knotflow.errors import InputError
from knotflow.kernels.interpolation import Kernel, gram

__all__ = ["KernelPath", "lazy"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class KernelPath:
    """f_t for every t >= 0, infinity included, of df_t(x)/dt = -pace sum_j w_j K(x, x_j) (f_t(x_j) - y_j).

        f_t(x) = f_0(x) + K(x, X) K^-1 (1 - exp(-pace K W t)) (y - f_0(X)),    residuals exp(-pace K W t) (f_0(X) - y)

    Made by `lazy`. Where K is singular, what it cannot see stays.

    Attributes
    ----------
    kernel : callable
        K.
    data : Samples
        s distinct x.
    start : callable
        f_0.
    pace : float
        The factor of the kernel.

    Raises
    ------
    InputError
        By every method, for a negative t.

    Notes
    -----
    O(s^3) once, then O(s^2) for each time and O(s) for each x.

    Examples
    --------
    >>> import numpy as np
    >>> import knotflow as kf
    >>> path = kf.kernels.lazy(kf.kernels.ntk("gaussian"), kf.Samples([-1, 0, 1], [0, -1, 1]))
    >>> path
    KernelPath(Tangent(law=Gaussian(sigma_a=1.0, sigma_b=1.0, c2=1.0)); 3 samples, pace 1)
    >>> [round(path.loss(t), 4) for t in (0, 1, np.inf)]
    [1.0, 0.495, 0.0]
    >>> round(path.degrees_of_freedom(path.time_of(2)), 9)
    2.0
    """

    kernel: Kernel
    data: Samples
    start: Callable[[Array], ArrayLike]
    pace: float

    def __repr__(self) -> str:
        return f"KernelPath({self.kernel!r}; {len(self.data.distinct.x)} samples, pace {self.pace:g})"

    @derived
    def modes(self) -> Modes:
        """The flow's eigenbasis on the distinct samples."""
        points = given(self.data).distinct
        rho = numbers("start(x)", self.start(points.x)) - points.y
        return Modes(self.pace * gram(self.kernel, points.x, points.x), points.weight, rho)

    def __call__(self, x: ArrayLike, t: float) -> Array:
        """f_t(x), in the shape of x. O(s^2), and O(s) for each x."""
        x = numbers("x", x)
        flat = x.ravel()
        push = self.pace * self.modes.impulse(t)
        f = numbers("start(x)", self.start(flat)) - gram(self.kernel, flat, self.data.distinct.x) @ push
        return f.reshape(x.shape)[()]

    def residuals(self, t: float) -> Array:
        """(s,) f_t - y on the distinct samples."""
        return self.modes.residuals(t)

    def loss(self, t: float) -> float:
        """1/2 sum_j w_j (f_t(x_j) - y_j)^2, over all samples."""
        return self.modes.loss(t) + self.data.distinct.within

    def degrees_of_freedom(self, t: float) -> float:
        """The trace of the matrix that takes y - f_0 to f_t - f_0 on the distinct samples: sum_k 1 - exp(-rate_k t)."""
        return self.modes.degrees_of_freedom(t)

    def time_of(self, degrees_of_freedom: float) -> float:
        """The time at which the path has these `degrees_of_freedom`, where to stop early. InputError if never."""
        from scipy.optimize import brentq  # loaded here: paths alone do not need it

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
        """(count,) times on a logarithmic scale, from before the fastest mode moves until the slowest has ended."""
        count = whole("count", count, least=1)
        rates = self.modes.rates[self.modes.rates > 0]
        if not len(rates):
            return np.linspace(0.0, 1.0, count)
        return np.geomspace(1e-2 / rates.max(), 1e2 / rates.min(), count)


@dataclass(frozen=True)
class Constant:
    """The function with one value."""

    value: float

    def __call__(self, x: Array) -> Array:
        return np.full(x.shape, self.value)


@keyword_only("start", "pace")
def lazy(
    kernel: Kernel,
    data: Samples,
    *,
    start: Callable[[Array], ArrayLike] | float = 0.0,
    pace: float = 1.0,
) -> KernelPath:
    """The path of training under a fixed kernel, from `start`, solved at every time at once.

    Parameters
    ----------
    kernel : callable
        Of `rf`, `ntk`, `empirical_ntk`, or a function that gives the matrix of all pairs.
    data : Samples
        s distinct x.
    start : callable or float
        f_0: a function, such as the network at its start, or a constant.
    pace : float
        The factor of the kernel. With pace = m / norm^2 and a kernel of `rf` or `ntk`, t is the time of the gradient
        flow of a network of m neurons: n steps of descent last n lr. `empirical_ntk` has it already.

    Returns
    -------
    KernelPath
        f_t(x), the residuals and the loss at every t, infinity included.

    Raises
    ------
    InputError
        If `data` is not Samples, `start` is neither of the two, or `pace` is not > 0.

    Notes
    -----
    O(s^3) once. Early stopping is regularisation: f_t has `degrees_of_freedom(t)` from 0 to s, and `time_of` inverts
    it. f at t = infinity is what `interpolate` gives, if the start is 0.

    References
    ----------
    Williams et al. 2019, eqs. (15), (16) and arXiv eq. (22), from any start and at any time.

    Examples
    --------
    >>> import numpy as np
    >>> import knotflow as kf
    >>> data = kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kernel = kf.kernels.rf("gaussian")
    >>> path = kf.kernels.lazy(kernel, data)
    >>> path([0.5], 1.0).round(4), path([0.5], np.inf).round(4)
    (array([0.1492]), array([-0.2008]))
    >>> kf.kernels.interpolate(kernel, data)([0.5]).round(4)
    array([-0.2008])
    """
    data = given(data)
    function("kernel", kernel, "x and x2, as kf.kernels.rf(init) is", 2)
    begin = function("start", start) if callable(start) else Constant(number("start", start))
    return KernelPath(kernel, data, begin, number("pace", pace, above=0.0))
