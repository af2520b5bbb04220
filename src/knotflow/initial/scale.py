"""The scale of a start: where it stands between the adaptive and the kernel regime."""

from __future__ import annotations

from knotflow._checks import number
from knotflow.network.relunet import ReLUNet

__all__ = ["init_scale"]


def init_scale(net: ReLUNet, alpha: float) -> ReLUNet:
    """(alpha a, alpha b, c / alpha), alpha > 0: the same function from other parameters. O(m).

    Large alpha is the kernel regime: knots move alpha^2 times more slowly, delta-slopes up to alpha^2 times
    faster. It is `net.rescaled(alpha)` under the name of the paper.

    Source: Sahs et al. 2022, sections 2.5 and A.4. Raises InputError unless alpha is finite and > 0.
    """
    return net.rescaled(number("alpha", alpha, above=0.0))
