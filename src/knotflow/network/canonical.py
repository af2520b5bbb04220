"""Canonical: each neuron as a particle in polar coordinates, and its conserved delta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import extent, freeze, number, per_neuron, vector
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.network.function import knots_of
from knotflow.network.parameters import Parameters, given_parameters, old_to_net

if TYPE_CHECKING:
    from knotflow.network.relunet import ReLUNet

_TURN = 2 * np.pi


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class Canonical:
    """Each neuron as a particle (r, theta) in polar coordinates, and its conserved delta.

    With n_i = hypot(a_i, b_i),

        r_i = (m/norm) c_i n_i,   theta_i = atan2(-b_i, a_i) in [0, 2 pi),   delta_i = c_i^2 - n_i^2,

    so that f(x) = bias + (1/m) sum_i r_i max(x cos theta_i + sin theta_i, 0).

    Parameters
    ----------
    r : array_like of shape (m,)
        Finite; m >= 1.
    theta : array_like of shape (m,)
        Finite; reduced to [0, 2 pi).
    delta : float or array_like of shape (m,)
        Finite; one number is that of every neuron.
    norm : float, default 1.0
        Greater than 0.
    bias : float, default 0.0
        The output bias.

    Raises
    ------
    InputError
        For other shapes and values.

    Notes
    -----
    `network` gives the parameters back up to rounding: c to a few parts in 1e16, (a, b) by an angle of at most 4e-16
    (half the spacing of float64 below 2 pi) and as much in length. The function therefore agrees relative to
    sum_i |c_i| n_i hypot(1, x) / norm. A neuron with a = b = 0 has r = 0 and no direction: its theta is 0 by
    convention, and c = +-sqrt(delta) keeps its sign through the sign of the zero r.

    O(m).

    References
    ----------
    Williams et al. 2019, equation (5), with atan2 where the paper prints arctan.

    Examples
    --------
    >>> import knotflow as kf
    >>> view = kf.ReLUNet([3.0], [-4.0], [2.0]).canonical()
    >>> view.r, view.delta
    (array([10.]), array([-21.]))
    >>> view.network().a.round(12)
    array([3.])
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
    def of(
        cls,
        a: ArrayLike | ReLUNet,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        norm: float = 1.0,
        bias: float = 0.0,
    ) -> Canonical:
        """The canonical view of the network with parameters a, b, c, `norm` and `bias`, or of a ReLUNet. O(m)."""
        return cls.seen(given_parameters("Canonical", a, b, c, norm, bias))

    @classmethod
    def seen(cls, p: Parameters) -> Canonical:
        """The view of checked parameters."""
        n = np.hypot(p.a, p.b)
        theta = np.where(n > 0, np.arctan2(-p.b, p.a), 0.0)
        return cls(len(p.a) / p.norm * (p.c * n), theta, p.c**2 - p.a**2 - p.b**2, p.norm, p.bias)

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
        """(m,) -v/u where r != 0; those of `network()`, with the conventions of `ReLUNet.knots`."""
        lifted = self.lift()
        return knots_of(lifted.a, lifted.b)

    def lift(self) -> Parameters:
        """The parameters with these r, theta and delta. O(m).

        With q = norm |r| / m and S = sqrt(delta^2 + 4 q^2),

            c^2 = (S + delta)/2,  n^2 = (S - delta)/2,  sign c = sign r,  (a, b) = n (cos theta, -sin theta)

        The larger of |c| and n is computed first and the smaller as q / larger, so nothing cancels,
        whatever the size of delta. r = 0 gives c = 0 if delta < 0, and a = b = 0 if delta > 0.

        References
        ----------
        Williams et al. 2019, equation (45) of the arXiv version, with norm |r| / m for |r|.
        """
        q = self.norm / len(self.r) * np.abs(self.r)
        larger = np.sqrt(np.abs(self.delta) / 2 + np.hypot(self.delta / 2, q))
        smaller = np.divide(q, larger, out=np.zeros_like(q), where=larger > 0)
        c, n = np.where(self.delta > 0, (larger, smaller), (smaller, larger))
        cos, sin = _cos_sin(self.theta)
        return Parameters(n * cos, -n * sin, np.copysign(c, self.r), self.norm, self.bias)

    def network(self) -> ReLUNet:
        """The network with these r, theta and delta: `ReLUNet.from_canonical` of it; see `lift`."""
        return self.lift().network()

    def to_net(self) -> ReLUNet:
        """The old name of `network`."""
        old_to_net("Canonical")
        return self.network()


def _cos_sin(theta: Array) -> tuple[Array, Array]:
    """Cosine and sine, exactly 0 at the float64 nearest a multiple of a quarter turn: a = 0 stays a = 0."""
    upright, level = np.isin(theta, (_TURN / 4, 3 * _TURN / 4)), np.isin(theta, (0.0, _TURN / 2))
    return np.where(upright, 0.0, np.cos(theta)), np.where(level, 0.0, np.sin(theta))
