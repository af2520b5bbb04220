"""Critical points: where the gradient vanishes, and where the fit is least squares on every piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from knotflow._checks import number
from knotflow._deprecated import keyword_only
from knotflow._typing import Array, Flags, Ints
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.dynamics.tangent import gradient
from knotflow.landscape.hessian import ALL, parts
from knotflow.landscape.partitions import partition
from knotflow.landscape.places import at_samples, settled, sizes
from knotflow.landscape.rank import counted_rank
from knotflow.network import ReLUNet
from knotflow.network.subject import checked, preactivations, residuals

__all__ = ["CriticalPoint", "critical_point", "is_critical"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class CriticalPoint:
    """What `critical_point` finds. It is true if the network is critical.

    Attributes
    ----------
    gradient : (P,) ndarray
        The gradient in the order a, b, c, bias, each entry divided by sum_j w_j |df(x_j)/dp| size_j, where
        size_j = |y_j| + |bias| + sum over active i of |c_i| (|a_i x_j| + |b_i|) / norm bounds |r_j|.
    critical : bool
        Whether all of it is below the tolerance.
    pieces : (p,) ndarray of int
        Numbers of the pieces that hold samples.
    piece_sums : (p, 2) ndarray
        Sums of w r and of w r (x - mean) over each piece: 0 if f is the least-squares line there.
    piecewise_ols : bool
        Whether they are 0, relative to the same sums of size_j.
    converse : bool
        Whether every critical point with these knots is piecewise least squares: every c_i != 0, no knot at a
        sample, and J of full rank for its pieces.
    strict_saddle : bool
        Whether it is critical and some neuron with c = 0 has a residual term: the Hessian then has negative
        eigenvalues.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> kf.landscape.critical_point(kf.landscape.lonely_minimum(data, [0.5, 1.5]), data)
    CriticalPoint(critical, least squares on each of 3 pieces)
    """

    gradient: Array
    critical: bool
    pieces: Ints
    piece_sums: Array
    piecewise_ols: bool
    converse: bool
    strict_saddle: bool

    def __bool__(self) -> bool:
        return self.critical

    def __repr__(self) -> str:
        critical = "critical" if self.critical else f"not critical, relative gradient {np.abs(self.gradient).max():.2g}"
        ols = "" if self.piecewise_ols else "not "
        saddle = ", a strict saddle" if self.strict_saddle else ""
        return f"CriticalPoint({critical}, {ols}least squares on each of {len(self.pieces)} pieces{saddle})"


@keyword_only("rtol")
@checked
def is_critical(net: ReLUNet, data: Samples, train: Iterable[str] = ALL, *, rtol: float = 1e-9) -> bool:
    """Whether the gradient of L in the trained parameters is 0 to rounding.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that count, all four of {"a", "b", "c", "bias"} by default.
    rtol : float
        What counts as 0 beside the sums of absolute values, see `critical_point`.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        For an unknown name in `train`, and unless 0 < rtol < 1.

    Notes
    -----
    O(m s).

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> net = kf.landscape.lonely_minimum(data, [0.5, 1.5])
    >>> kf.landscape.is_critical(net, data), kf.landscape.is_critical(net.replace(bias=0.5), data)
    (True, False)
    """
    return critical_point(net, data, train, rtol=rtol).critical


@keyword_only("rtol")
@checked
def critical_point(net: ReLUNet, data: Samples, train: Iterable[str] = ALL, *, rtol: float = 1e-9) -> CriticalPoint:
    """Whether the network is critical, and whether it is an ordinary-least-squares fit on every piece.

    Least squares on every piece (the intervals between knots) implies critical. The converse needs every c_i != 0 and
    that J reaches every function that is affine on the pieces: a neuron active on all samples, or a gap with knots of
    both orientations, is enough. Otherwise `converse` is False, and some critical point is not least squares.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that count, all four of {"a", "b", "c", "bias"} by default.
    rtol : float
        What counts as 0 beside the sums of absolute values. The unit of x, y and weights drops out.

    Returns
    -------
    CriticalPoint
        True if the network is critical, with the reasons.

    Raises
    ------
    InputError
        For an unknown name in `train`, and unless 0 < rtol < 1.

    Notes
    -----
    O(m s).

    References
    ----------
    Sahs et al. 2022, theorem 4, with both conditions of the converse corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3], [1, 0, 4, 2])
    >>> kf.landscape.critical_point(kf.ReLUNet([1], [1.5], [0], bias=1.75), data)
    CriticalPoint(not critical, relative gradient 0.041, not least squares on each of 2 pieces)
    """
    rtol = number("rtol", rtol, above=0.0, below=1.0)
    names, points, net = parts(train), data.distinct, settled(net, data)
    pull, on = points.weight * residuals(net, data), preactivations(net, points.x) > 0
    size = points.weight * sizes(net, data)
    relative = _relative_gradient(net, data, names, size, on)
    pieces, place = np.unique(partition(net, data), return_inverse=True)
    indicator = (np.arange(len(pieces))[:, None] == place).astype(float)
    sums, scale = _moments(indicator, pull, size, points.x)
    terms, term_scale = _moments(on, pull, size, points.x)
    term = np.any(np.abs(terms) > rtol * term_scale, axis=1)
    critical = bool(np.all(np.abs(relative) <= rtol))
    return CriticalPoint(
        gradient=relative,
        critical=critical,
        pieces=pieces,
        piece_sums=sums,
        piecewise_ols=bool(np.all(np.abs(sums) <= rtol * scale)),
        converse=set("abc") <= set(names) and _converse_holds(net, points.x, "bias" in names),
        strict_saddle=critical and set("abc") <= set(names) and bool(np.any(term & (net.c == 0))),
    )


def _moments(rows: Array | Flags, pull: Array, size: Array, x: Array) -> tuple[Array, Array]:
    """Sums of pull and of pull (x - mean) over the samples of each row, and the sums of absolute values."""
    offset = x - x.mean()
    sums = np.stack([rows @ pull, rows @ (pull * offset)], axis=1)
    return sums, np.stack([rows @ size, rows @ (size * np.abs(offset))], axis=1)


def _relative_gradient(net: ReLUNet, data: Samples, names: tuple[str, ...], size: Array, on: Flags) -> Array:
    """dL/dp over sum_j size_j |df(x_j)/dp|, 0 where both are."""
    x, grad = data.distinct.x, gradient(net, data, names)
    c = np.abs(net.c)
    scales = {
        "a": c * (on @ (size * np.abs(x))),
        "b": c * (on @ size),
        "c": np.abs(net.a) * (on @ (size * np.abs(x))) + np.abs(net.b) * (on @ size),
        "bias": np.array([net.norm * size.sum()]),
    }
    scale = np.concatenate([scales[name] for name in names]) / net.norm
    value = np.concatenate([np.atleast_1d(getattr(grad, name)) for name in names])
    return np.divide(value, scale, out=np.zeros_like(value), where=scale > 0)


def _converse_holds(net: ReLUNet, x: Array, bias: bool) -> bool:
    if np.any(net.c == 0) or np.any(at_samples(net, x) >= 0):
        return False
    rank, full = counted_rank(net, x, bias)
    return rank == full
