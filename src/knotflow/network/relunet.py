"""ReLUNet: the parameters of a one-hidden-layer ReLU network with one input, and what they mean."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import extent, freeze, instance, number, numbers, per_neuron, vector
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.data.samples import Samples, given
from knotflow.data.scaling import Scaling
from knotflow.errors import InputError
from knotflow.network import torch as _torch
from knotflow.network.bdso import BDSO, Gauge
from knotflow.network.canonical import Canonical
from knotflow.network.cpwl import CPWL
from knotflow.network.function import evaluated, knots_of
from knotflow.network.parameters import Parameters, built_by_views

if TYPE_CHECKING:
    import torch

__all__ = ["ReLUNet"]


@built_by_views
@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class ReLUNet:
    """A one-hidden-layer ReLU network with one input, as a value: nothing in it changes.

        f(x) = bias + (1/norm) * sum_i c_i max(a_i x - b_i, 0)

    Parameters
    ----------
    a, b, c : array_like of shape (m,)
        Finite numbers, m >= 1; kept as read-only float64 copies.
    norm : float, default 1.0
        Greater than 0 (Williams et al. 2019 write alpha(m): 1, sqrt(m) or m).
    bias : float, default 0.0
        The output bias.

    Raises
    ------
    InputError
        For anything else, naming the argument.

    Notes
    -----
    The bias of a neuron enters with a minus sign, as in Williams et al. 2019; Sahs et al. 2022 and deep-
    learning libraries have a plus. Neuron i is active where a_i x - b_i > 0, strictly. Every property is
    computed in O(m).

    Examples
    --------
    >>> import knotflow as kf
    >>> net = kf.ReLUNet([1.0, -2.0], [0.5, 1.0], [3.0, 1.0])
    >>> net([0.0, 1.5])
    array([0., 3.])
    >>> net.knots, net.delta
    (array([ 0.5, -0.5]), array([ 7.75, -4.  ]))
    >>> net
    ReLUNet(2 neurons: 1 right-facing, 1 left-facing; knots in [-0.5, 0.5]; delta in [-4, 7.75]; norm=1, bias=0)
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

    @classmethod
    def over(cls, a: Array, b: Array, c: Array, norm: float, bias: float) -> ReLUNet:
        """The network of the read-only arrays `a`, `b`, `c`, which nothing changes any more. No check, no copy.

        `norm` and `bias` are floats. For networks that are seen in what is already kept, such as a trajectory.
        """
        net = cls.__new__(cls)
        freeze(net, a=a, b=b, c=c, norm=norm, bias=bias)
        return net

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
        return evaluated(self._parameters, numbers("x", x))

    @property
    def _parameters(self) -> Parameters:
        return Parameters(self.a, self.b, self.c, self.norm, self.bias)

    @property
    def knots(self) -> Array:
        """(m,) where each neuron switches, b_i / a_i.

        Never NaN: a neuron with a_i = 0 has -inf if it is active everywhere (b_i < 0), else +inf. A quotient
        beyond float64 is infinite as well.
        """
        return knots_of(self.a, self.b)

    @property
    def orientations(self) -> Ints:
        """(m,) sign a_i: +1 active to the right of its knot, -1 to the left, 0 no knot."""
        return np.sign(self.a).astype(np.int64)

    @property
    def delta(self) -> Array:
        """(m,) c_i^2 - a_i^2 - b_i^2, which gradient flow conserves (Williams et al. 2019, lemma 3)."""
        with np.errstate(over="ignore", invalid="ignore"):
            delta = self.c**2 - self.a**2 - self.b**2
            c, size = np.abs(self.c), np.hypot(self.a, self.b)
            return np.where(np.isfinite(delta), delta, (c - size) * (c + size))  # where a square is beyond float64

    @property
    def delta_slopes(self) -> Array:
        """(m,) c_i a_i / norm. At its knot a neuron changes the slope of f by orientation times this."""
        return self.c * self.a / self.norm

    @property
    def roughness(self) -> float:
        """sum_i delta_slopes_i^2, the roughness of the network (Sahs et al. 2022, section 2.1).

        It belongs to the parameters: two halves of one neuron have half its roughness. `cpwl().roughness`
        belongs to the function, and `kf.initial.roughness` is the law of this number over random starts.
        """
        return float(np.sum(self.delta_slopes**2))

    def loss(self, data: Samples) -> float:
        """1/2 sum_j w_j (f(x_j) - y_j)^2 over the samples of `data`. O((m + n) log n)."""
        given(data)
        return 0.5 * float(np.sum(data.weights * (self(data.x) - data.y) ** 2))

    def replace(self, **changes: Any) -> ReLUNet:
        """The network with some of a, b, c, norm, bias replaced: `changes` by name. O(m)."""
        unknown = set(changes) - set(Parameters._fields)
        if unknown:
            raise InputError(f"{min(unknown)} is no parameter of a network: it must be one of a, b, c, norm, bias")
        return dataclasses.replace(self, **changes)

    def rescaled(self, k: ArrayLike) -> ReLUNet:
        """(k a, k b, c / k): other parameters, the same function. O(m).

        Parameters
        ----------
        k : float or array_like of shape (m,)
            Greater than 0; one number for all neurons or one for each.

        Raises
        ------
        InputError
            If some k is not a finite number > 0, or a result is not finite.

        Examples
        --------
        >>> import knotflow as kf
        >>> net = kf.ReLUNet([1.0], [2.0], [3.0]).rescaled(2.0)
        >>> net.a, net.b, net.c
        (array([2.]), array([4.]), array([1.5]))
        """
        k = per_neuron("k", k, len(self))
        if np.any(k <= 0):
            i = int(np.argmax(k <= 0))
            raise InputError(f"k[{i}] is {k[i]:g}: every k must be > 0, or the neuron would change its side")
        with np.errstate(over="ignore"):  # refused by name
            return self.replace(a=k * self.a, b=k * self.b, c=self.c / k)

    def with_delta(self, delta: ArrayLike) -> ReLUNet:
        """The same function with `delta` as prescribed. O(m).

        Parameters
        ----------
        delta : float or array_like of shape (m,)
            Finite; one number for all neurons or one for each.

        Raises
        ------
        InputError
            Naming the neuron, where no rescaling has that delta: c = 0 allows delta < 0 only, a = b = 0 allows
            delta > 0 only.

        Notes
        -----
        Neuron i is rescaled by k_i > 0. With n = hypot(a, b) and q = |c| n, which rescaling keeps, the
        new |c| and the new n have the product q and the difference of squares delta; the larger of the
        two is sqrt(|delta|/2 + hypot(delta/2, q)), it is n if delta <= 0, and k follows without
        cancellation.

        References
        ----------
        The inverse of the map of Williams et al. 2019, equation (5), for given delta.

        Examples
        --------
        >>> import knotflow as kf
        >>> net = kf.ReLUNet([3.0], [4.0], [1.0]).with_delta(0.0)
        >>> net.c.round(6), net([2.0, 5.0]).round(12)
        (array([2.236068]), array([ 2., 11.]))
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

    def in_units(self, scaling: Scaling) -> ReLUNet:
        """The same function in the user's units: x -> y_shift + y_scale f((x - x_shift) / x_scale). O(m).

        a / x_scale, b + a x_shift / x_scale, y_scale c, y_shift + y_scale bias; the norm stays.

        Parameters
        ----------
        scaling : Scaling
            The second result of `Samples.standardised`.

        Examples
        --------
        >>> import knotflow as kf
        >>> data = kf.Samples([0.0, 10.0, 20.0], [1.0, 5.0, 3.0])
        >>> standard, scaling = data.standardised()
        >>> net = kf.ReLUNet([1.0], [0.0], [2.0]).in_units(scaling)
        >>> net.knots
        array([10.])
        """
        instance("scaling", scaling, Scaling, "a Scaling, the second result of Samples.standardised")
        a = self.a / scaling.x_scale
        return self.replace(
            a=a,
            b=self.b + a * scaling.x_shift,
            c=scaling.y_scale * self.c,
            bias=float(scaling.y_to_user(self.bias)),
        )

    # -- the three views ---------------------------------------------------------------------------------

    def canonical(self) -> Canonical:
        """Polar coordinates (r, theta) of each neuron, with its delta: see `Canonical`. O(m)."""
        return Canonical.seen(self._parameters)

    def bdso(self) -> BDSO:
        """Breakpoints, delta-slopes and orientations: see `BDSO`. O(m)."""
        return BDSO.seen(self._parameters)

    def cpwl(self) -> CPWL:
        """The function alone, as a continuous piecewise linear function: see `CPWL.of`. O(m log m)."""
        return CPWL.seen(self._parameters)

    @classmethod
    def from_canonical(cls, view: Canonical) -> ReLUNet:
        """The network that a canonical view is of; see `Canonical.lift`."""
        return cls(*instance("view", view, Canonical, "a Canonical, as net.canonical() is").lift())

    @classmethod
    def from_bdso(cls, view: BDSO, gauge: Gauge = "unit") -> ReLUNet:
        """A network with the knots, delta-slopes and orientations of a BDSO view; for `gauge` see `BDSO.lift`. O(m)."""
        return cls(*instance("view", view, BDSO, "a BDSO, as net.bdso() is").lift(gauge))

    @classmethod
    def from_cpwl(cls, view: CPWL, norm: float = 1.0) -> ReLUNet:
        """k + 2 neurons and this norm; the function is that of `view`, on the whole line; see `CPWL.lift`. O(k)."""
        return cls(*instance("view", view, CPWL, "a CPWL, as net.cpwl() is").lift(norm))

    # -- PyTorch -----------------------------------------------------------------------------------------

    @classmethod
    def from_torch(cls, module: torch.nn.Module) -> ReLUNet:
        """The network of Sequential(Linear(1, m), ReLU(), Linear(m, 1)), biases or not, of any precision.

        a and c are the weights, b is minus the first bias and `bias` the second; norm = 1. The parameters are
        copied. Raises InputError, saying what was found, for any other module, and KnotflowError without
        PyTorch.
        """
        return cls(*_torch.parameters_of(module))

    def to_torch(self) -> torch.nn.Sequential:
        """Sequential(Linear(1, m), ReLU(), Linear(m, 1)) in float64 with the same function.

        The norm is folded into the output weights, c / norm, so training it is not training a network with
        that norm. Raises KnotflowError without PyTorch.
        """
        return _torch.module_of(self._parameters)
