"""Canonical parameters: each neuron as a particle in polar coordinates, and its conserved delta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import extent, freeze, number, per_neuron, vector
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.network import ReLUNet

_TURN = 2 * np.pi


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Canonical:
    """Each neuron as a particle (r, theta), and its conserved delta. With n_i = hypot(a_i, b_i),

        r_i = (m/norm) c_i n_i,   theta_i = atan2(-b_i, a_i) in [0, 2 pi),   delta_i = c_i^2 - n_i^2,

    so that f(x) = bias + (1/m) sum_i r_i max(x cos theta_i + sin theta_i, 0).

    r, theta  (m,), finite; theta is reduced to [0, 2 pi)
    delta     (m,) or one number for all; finite
    norm      > 0;  bias  the output bias

    The parameters come back from `to_net()` up to rounding: c to a few parts in 1e16, (a, b) by an angle
    of at most 4e-16 (half the spacing of float64 below 2 pi) and as much in length; the function therefore
    agrees relative to sum_i |c_i| n_i hypot(1, x) / norm. A neuron with a = b = 0 has r = 0 and no direction:
    its theta is 0 by convention, and c = +-sqrt(delta) keeps its sign through the sign of the zero r.

    Source: Williams et al. 2019, equation (5), with atan2 where the paper prints arctan.
    Raises InputError for other shapes and values.
    """

    r: Array
    theta: Array
    delta: Array
    norm: float
    bias: float

    def __init__(self, r: ArrayLike, theta: ArrayLike, delta: ArrayLike, norm: float = 1.0, bias: float = 0.0) -> None:
        r = vector("r", r)
        if len(r) == 0:
            raise InputError("r is empty: a network has at least one neuron")
        turned = np.mod(vector("theta", theta, len(r), "r"), _TURN)
        theta = vector("theta", np.where(turned < _TURN, turned, 0.0))  # mod rounds -1e-20 up to a whole turn
        freeze(self, r=r, theta=theta, delta=per_neuron("delta", delta, len(r)))
        freeze(self, norm=number("norm", norm, above=0.0), bias=number("bias", bias))

    @classmethod
    def of(cls, net: ReLUNet) -> Canonical:
        """The canonical view of a network. O(m)."""
        n = np.hypot(net.a, net.b)
        theta = np.where(n > 0, np.arctan2(-net.b, net.a), 0.0)
        return cls(len(net) / net.norm * (net.c * n), theta, net.delta, net.norm, net.bias)

    def __repr__(self) -> str:
        return f"Canonical({len(self.r)} neurons: r in {extent(self.r)}, delta in {extent(self.delta)})"

    @property
    def u(self) -> Array:
        """(m,) |r| cos theta; (u, v) is where the neuron is drawn, in the colour of its epsilon."""
        return np.abs(self.r) * _cos_sin(self.theta)[0]

    @property
    def v(self) -> Array:
        """(m,) |r| sin theta."""
        return np.abs(self.r) * _cos_sin(self.theta)[1]

    @property
    def epsilon(self) -> NDArray[np.int64]:
        """(m,) sign r: +1, -1 or 0."""
        return np.sign(self.r).astype(np.int64)

    @property
    def knots(self) -> Array:
        """(m,) -v/u where r != 0; the knots of `to_net()`, with the conventions of `ReLUNet.knots`."""
        return self.to_net().knots

    def to_net(self) -> ReLUNet:
        """The lift: the network with these r, theta and delta. O(m).

        With q = norm |r| / m and S = sqrt(delta^2 + 4 q^2),

            c^2 = (S + delta)/2,  n^2 = (S - delta)/2,  sign c = sign r,  (a, b) = n (cos theta, -sin theta)

        The larger of |c| and n is computed first and the smaller as q / larger, so nothing cancels,
        whatever the size of delta. r = 0 gives c = 0 if delta < 0, and a = b = 0 if delta > 0.

        Source: Williams et al. 2019, equation (45) of the arXiv version, with norm |r| / m for |r|.
        """
        q = self.norm / len(self.r) * np.abs(self.r)
        larger = np.sqrt(np.abs(self.delta) / 2 + np.hypot(self.delta / 2, q))
        smaller = np.divide(q, larger, out=np.zeros_like(q), where=larger > 0)
        c, n = np.where(self.delta > 0, (larger, smaller), (smaller, larger))
        cos, sin = _cos_sin(self.theta)
        return ReLUNet(n * cos, -n * sin, np.copysign(c, self.r), self.norm, self.bias)


def _cos_sin(theta: Array) -> tuple[Array, Array]:
    """Cosine and sine, exactly 0 at the float64 nearest a multiple of a quarter turn: a = 0 stays a = 0."""
    upright, level = np.isin(theta, (_TURN / 4, 3 * _TURN / 4)), np.isin(theta, (0.0, _TURN / 2))
    return np.where(upright, 0.0, np.cos(theta)), np.where(level, 0.0, np.sin(theta))
