"""What each sample does to the knots that reach it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from knotflow.data import Samples
from knotflow.network import ReLUNet
from knotflow.network.subject import subject

__all__ = ["ROLE", "sample_roles"]

ROLE = np.dtype(
    [("sample", np.int64), ("facing", "U5"), ("sign", np.int64), ("role", "U15"), ("pull", float), ("bound", float)]
)


def sample_roles(net: ReLUNet, data: Samples) -> NDArray[np.void]:
    """What each sample does to the knots that reach it: a table of 4s rows, by facing and by the sign of r.

    With sigma = w_k rho_k sum over S of w_i rho_i (1 + x_i x_k), S the samples k+1.. (facing right) or ..k-1 (left),
    and T = (w_k rho_k)^2 (1 + x_k^2), the velocities on the two sides of sample k differ in sign if and only if
    -T < sigma < 0. Then sign rho_k > 0 is an attractor and sign rho_k < 0 a repeller, in every metric and for every
    delta.

    Parameters
    ----------
    net : ReLUNet
        It gives the residuals.
    data : Samples
        x, y and the weights w.

    Returns
    -------
    structured array, (4s,)
        ``sample``: the number of the distinct x. ``facing``: "right" or "left". ``sign`` of r: +1 or -1.
        ``role``: "attractor" (knots of that facing and sign stop there and slide), "repeller" (they leave to both
        sides), "passthrough" (they pass), "death" (the border of the dead arc: they run into it) or "dead border"
        (they leave it, if they can). ``pull``: sigma. ``bound``: T.

    Raises
    ------
    InputError
        For what is no network or no samples.

    Notes
    -----
    The roles follow from the residuals alone and change as these do. Knots gather at smooth minima of sign G inside an
    arc, too. "repeller" was called "repulsor" and "passthrough" was called "pass" until version 0.1; the words are now
    those of `kf.landscape.knot_types`. O(s^2).

    References
    ----------
    Williams et al. (2019), Lemma 2, replaced: the printed one has one side, and no sign or facing.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [9.0], [1.0]), kf.Samples([0.0, 1.0, 2.0], [-1.0, 2.0, -2.0])
    >>> table = kf.dynamics.sample_roles(net, data)
    >>> [str(role) for role in table["role"][table["sample"] == 0]]
    ['passthrough', 'passthrough', 'death', 'dead border']
    """
    data = subject(net, data)
    points = data.distinct
    force, x = points.weight * (net(points.x) - points.y), points.x
    table = np.empty(4 * x.size, ROLE)
    pair = np.outer(force, force) * (1 + np.outer(x, x))
    bound = np.diag(pair).copy()
    row = 0
    for facing, pull in (("right", np.triu(pair, 1).sum(axis=1)), ("left", np.tril(pair, -1).sum(axis=1))):
        edge = x.size - 1 if facing == "right" else 0
        for k in range(x.size):
            for sign in (1, -1):
                inwards = sign * force[k] > 0
                if k == edge:
                    role = "death" if inwards else "dead border"
                elif -bound[k] < pull[k] < 0:
                    role = "attractor" if inwards else "repeller"
                else:
                    role = "passthrough"
                table[row] = (k, facing, sign, role, pull[k], bound[k])
                row += 1
    return table
