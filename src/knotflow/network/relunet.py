"""ReLUNet: the parameters of a one-hidden-layer ReLU network with one input, and what they mean."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import extent, freeze, number, numbers, per_neuron, vector
from knotflow._typing import Array
from knotflow.errors import InputError

if TYPE_CHECKING:
    import torch

    from knotflow.samples import Samples
    from knotflow.views import BDSO, CPWL, Canonical
    from knotflow.views.bdso import Gauge

__all__ = ["ReLUNet"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class ReLUNet:
    """f(x) = bias + (1/norm) * sum_i c_i max(a_i x - b_i, 0), a value: nothing in it changes.

    a, b, c  one-dimensional sequences of m >= 1 finite numbers; kept as read-only float64 copies, (m,)
    norm     a finite number > 0 (Williams et al. 2019 write alpha(m): 1, sqrt(m) or m)
    bias     a finite number

    The bias of a neuron enters with a minus sign, as in Williams et al. 2019; Sahs et al. 2022 and deep-
    learning libraries have a plus. Neuron i is active where a_i x - b_i > 0, strictly. Every property is
    computed in O(m).

    Raises InputError, naming the argument, for anything else.
    """

    a: Array
    b: Array
    c: Array
    norm: float
    bias: float

    def __init__(self, a: ArrayLike, b: ArrayLike, c: ArrayLike, norm: float = 1.0, bias: float = 0.0) -> None:
        a = vector("a", a)
        if len(a) == 0:
            raise InputError("a is empty: a network has at least one neuron")
        freeze(self, a=a, b=vector("b", b, len(a), "a"), c=vector("c", c, len(a), "a"))
        freeze(self, norm=number("norm", norm, above=0.0), bias=number("bias", bias))

    def __len__(self) -> int:
        """The number of neurons m."""
        return len(self.a)

    def __repr__(self) -> str:
        counts = {"right-facing": 1, "left-facing": -1, "without a knot": 0}
        facing = [f"{n} {word}" for word, s in counts.items() if (n := np.sum(self.orientations == s))]
        knots = self.knots[np.isfinite(self.knots)]
        about = [f"{len(self)} neuron{'s' if len(self) > 1 else ''}: {', '.join(facing)}"]
        about += [f"knots in {extent(knots)}"] if len(knots) else []
        about += [f"delta in {extent(self.delta)}", f"norm={self.norm:.6g}, bias={self.bias:.6g}"]
        return f"ReLUNet({'; '.join(about)})"

    def __call__(self, x: ArrayLike) -> Array:
        """f(x) for x of any shape, in that shape. O(m log n + n log n) for n values.

        Only the neurons that are active at a value enter its sum, so the error is rounding of the
        sum over active i of |c_i| (|a_i x| + |b_i|) / norm. Raises InputError if x is not finite.
        """
        x = numbers("x", x)
        order = np.argsort(x, axis=None, kind="stable")
        ascending = x.ravel()[order]
        slope, constant = self._active_line(ascending)
        f = np.empty(x.size)
        f[order] = self.bias + (slope * ascending - constant)
        return f.reshape(x.shape)[()]

    def _active_line(self, x: Array) -> tuple[Array, Array]:
        """(n,) sums over the active neurons of c a / norm and of c b / norm, at n ascending x."""
        knots = self.knots
        right = self.a >= 0  # a neuron with a = 0 has its knot at -inf (active) or +inf (not active)
        first = np.searchsorted(x, knots[right], side="right")
        count = np.searchsorted(x, knots[~right], side="left")
        n = len(x)

        def active(term: Array) -> Array:
            entering = np.bincount(first, term[right], n + 1)[:n]  # right-facing: active from `first` on
            leaving = np.bincount(count, term[~right], n + 1)[1:]  # left-facing: active on the first `count`
            return np.cumsum(entering, dtype=float) + np.cumsum(leaving[::-1], dtype=float)[::-1]

        return active(self.delta_slopes), active(self.c * self.b / self.norm)

    @property
    def knots(self) -> Array:
        """(m,) where each neuron switches, b_i / a_i.

        Never NaN: a neuron with a_i = 0 has -inf if it is active everywhere (b_i < 0), else +inf. A quotient
        beyond float64 is infinite as well.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(self.a == 0, np.where(self.b < 0, -np.inf, np.inf), self.b / self.a)

    @property
    def orientations(self) -> NDArray[np.int64]:
        """(m,) sign a_i: +1 active to the right of its knot, -1 to the left, 0 no knot."""
        return np.sign(self.a).astype(np.int64)

    @property
    def delta(self) -> Array:
        """(m,) c_i^2 - a_i^2 - b_i^2, which gradient flow conserves (Williams et al. 2019, lemma 3)."""
        return self.c**2 - self.a**2 - self.b**2

    @property
    def delta_slopes(self) -> Array:
        """(m,) c_i a_i / norm. At its knot a neuron changes the slope of f by orientation times this."""
        return self.c * self.a / self.norm

    @property
    def roughness(self) -> float:
        """sum_i delta_slopes_i^2 (Sahs et al. 2022, section 2.1).

        It belongs to the parameters: two halves of one neuron have half its roughness. `cpwl().roughness`
        belongs to the function.
        """
        return float(np.sum(self.delta_slopes**2))

    def loss(self, data: Samples) -> float:
        """1/2 sum_j weight_j (f(x_j) - y_j)^2."""
        return 0.5 * float(np.sum(data.weights * (self(data.x) - data.y) ** 2))

    def replace(self, **changes: Any) -> ReLUNet:
        """The same network with some of a, b, c, norm, bias replaced."""
        return dataclasses.replace(self, **changes)

    def rescaled(self, k: ArrayLike) -> ReLUNet:
        """(k a, k b, c / k): other parameters, the same function. k > 0 is a number or one per neuron, (m,).

        Raises InputError if some k is not a finite number > 0, or a result is not finite.
        """
        k = per_neuron("k", k, len(self))
        if np.any(k <= 0):
            i = int(np.argmax(k <= 0))
            raise InputError(f"k[{i}] is {k[i]:g}: every k must be > 0, or the neuron would change its side")
        with np.errstate(over="ignore"):  # refused by name
            return self.replace(a=k * self.a, b=k * self.b, c=self.c / k)

    def with_delta(self, delta: ArrayLike) -> ReLUNet:
        """The same function with `delta` as prescribed: a finite number, or one per neuron, (m,). O(m).

        Neuron i is rescaled by k_i > 0. With n = hypot(a, b) and q = |c| n, which rescaling keeps, the
        new |c| and the new n have the product q and the difference of squares delta; the larger of the
        two is sqrt(|delta|/2 + hypot(delta/2, q)), it is n if delta <= 0, and k follows without
        cancellation.

        Source: the inverse of the map of Williams et al. 2019, equation (5), for given delta.
        Raises InputError, naming the neuron, where no k exists: c = 0 allows delta < 0 only, a = b = 0 allows
        delta > 0 only.
        """
        d = per_neuron("delta", delta, len(self))
        n, c = np.hypot(self.a, self.b), np.abs(self.c)
        larger = np.sqrt(np.abs(d) / 2 + np.hypot(d / 2, c * n))
        with np.errstate(divide="ignore", invalid="ignore"):
            k = np.where(d > 0, c / larger, larger / n)
        k = np.where((n == 0) & (c == 0) & (d == 0), 1.0, k)
        possible = np.isfinite(k) & (k > 0)
        if not possible.all():
            i = int(np.argmin(possible))
            raise InputError(
                f"delta is {d[i]:g} for neuron {i}, which no rescaling can reach: the neuron has "
                f"c = {self.c[i]:g} and hypot(a, b) = {n[i]:g}; "
                "c = 0 allows delta < 0 only and a = b = 0 allows delta > 0 only"
            )
        return self.rescaled(k)

    # -- the three views ---------------------------------------------------------------------------------

    def canonical(self) -> Canonical:
        """Polar coordinates (r, theta) of each neuron, with its delta: see `knotflow.views.Canonical`."""
        from knotflow.views import Canonical

        return Canonical.of(self)

    def bdso(self) -> BDSO:
        """Breakpoints, delta-slopes and orientations: see `knotflow.views.BDSO`."""
        from knotflow.views import BDSO

        return BDSO.of(self)

    def cpwl(self) -> CPWL:
        """The function alone, as a continuous piecewise linear function: see `knotflow.views.CPWL`."""
        from knotflow.views import CPWL

        return CPWL.of(self)

    @classmethod
    def from_canonical(cls, view: Canonical) -> ReLUNet:
        """The network that a canonical view is of."""
        return view.to_net()

    @classmethod
    def from_bdso(cls, view: BDSO, gauge: Gauge = "unit") -> ReLUNet:
        """A network with the knots, delta-slopes and orientations of a BDSO view; see `BDSO.to_net`."""
        return view.to_net(gauge)

    @classmethod
    def from_cpwl(cls, view: CPWL, norm: float = 1.0) -> ReLUNet:
        """k + 2 neurons whose function is that of `view`, on the whole line; see `CPWL.to_net`."""
        return view.to_net(norm)

    # -- PyTorch -----------------------------------------------------------------------------------------

    @classmethod
    def from_torch(cls, module: torch.nn.Module) -> ReLUNet:
        """The network of Sequential(Linear(1, m), ReLU(), Linear(m, 1)); see `knotflow.interop`."""
        from knotflow.interop import from_torch

        return from_torch(module)

    def to_torch(self) -> torch.nn.Sequential:
        """Sequential(Linear(1, m), ReLU(), Linear(m, 1)) in float64; see `knotflow.interop`."""
        from knotflow.interop import to_torch

        return to_torch(self)
