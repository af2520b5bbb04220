"""The scale of a start: where it stands between the adaptive and the kernel regime."""

from __future__ import annotations

from knotflow._checks import number
from knotflow.network.relunet import ReLUNet
from knotflow.network.subject import network_of

__all__ = ["init_scale"]


def init_scale(net: ReLUNet, alpha: float) -> ReLUNet:
    """Another scale of the start: (alpha a, alpha b, c / alpha), the same function from other parameters. O(m).

    Parameters
    ----------
    net : ReLUNet
    alpha : float
        Greater than 0.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        If `net` is no ReLUNet, or alpha is not a finite number > 0.

    Notes
    -----
    Large alpha is the kernel regime: knots move alpha^2 times more slowly, delta-slopes up to alpha^2 times
    faster. It is `net.rescaled(alpha)` under the name of the paper.

    References
    ----------
    Sahs et al. 2022, sections 2.5 and A.4.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.initial.init_scale(kf.ReLUNet([1.0], [2.0], [3.0]), 10.0).delta
    array([-499.91])
    """
    return network_of(net).rescaled(number("alpha", alpha, above=0.0))
