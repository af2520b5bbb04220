"""Starts of infinite width: weighted particles that stand for a law of the parameters."""

from __future__ import annotations

import operator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.dynamics.canonical import gauge
from knotflow.errors import InputError
from knotflow.initial.laws import Law, generator
from knotflow.initial.registry import INITIALISERS
from knotflow.network import ReLUNet
from knotflow.samples import Samples

Array = NDArray[np.float64]
Rule = Literal["quadrature", "sobol", "random"]
Metric = Literal["full", "cylinder", "polar"]
METRICS = ("full", "cylinder", "polar")

_TURN = 2 * np.pi


class Start(NamedTuple):
    """Where a `MeanFieldFlow` starts: a network whose neurons carry the particles' weights, and these weights."""

    net: ReLUNet
    weights: tuple[float, ...]


def start(
    law: Law | str,
    data: Samples,
    nodes: int = 4096,
    rule: Rule = "quadrature",
    metric: Metric = "full",
    rng: np.random.Generator | None = None,
) -> Start:
    """Weighted particles (a_i, b_i, c_i) for f(x) = E c max(a x - b, 0) over a law, as a network of norm 1.

    law     a `Law`, or the name of an initialiser that has one: then its law of width 1, since the mean field's law
            does not depend on the width (norm = m instead). The law of the output bias has mean 0: no bias
    data    the samples, at whose rays the flow has kinks
    nodes   how many particles: at most, for "quadrature"; a power of 2 for "sobol"
    rule    "quadrature": a product rule, see below. "sobol": a scrambled Sobol sequence through the inverse
            distribution functions. "random": independent draws, the network of so many neurons
    metric  that of the `MeanFieldFlow` to come
    rng     for "sobol" and "random"

    The neurons are sqrt(weight) times the particles for "full" and in the gauge of `MeanFieldFlow` for the others.

    Quadrature: Gauss-Legendre in theta on every arc between samples' rays (and where a box has its corners), times a
    rule of one dimension on each side of c = 0, because that is all there is. Under the full flow a particle k z moves
    as k times z does, so that its size is integrated exactly and c / hypot(a, b) remains. In canonical parameters r
    remains: Laplace at each theta for Gaussians (Gauss-Laguerre), of density 1 - |r| for boxes. Later kinks, where
    particles met rays on the way, are not resolved: the error of the full flow falls about like 1/nodes, where draws
    have 1/sqrt(nodes); that of the others, where a large r is rare and fast, less evenly.

    O(nodes). Raises InputError for a name without a law, other rules, a law with a = 0 or b = 0 in a quadrature, and
    sizes that it cannot have.
    """
    law, nodes = _law(law), _count(nodes)
    if metric not in METRICS:
        raise InputError(f"metric is {metric!r}; it must be one of {', '.join(map(repr, METRICS))}")
    if rule == "quadrature":
        return _quadrature(law, data, nodes, metric)
    if rule not in ("sobol", "random"):
        raise InputError(f'rule is {rule!r}; it must be "quadrature", "sobol" or "random"')
    a, b, c = _points(law, nodes, rule, generator(rng))  # type: ignore[arg-type]
    return _of_particles(a, b, c, np.full(nodes, 1 / nodes), metric)


def _law(law: Law | str) -> Law:
    if isinstance(law, Law):
        return law
    named = {name: each.law for name, each in INITIALISERS.items() if each.law is not None}
    if law not in named:
        raise InputError(f"law is {law!r}; it must be a Law or one of {', '.join(named)}")
    return named[law](1)


def _count(nodes: int) -> int:
    try:
        count = operator.index(nodes)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError(f"nodes is {nodes!r}; it must be a whole number of particles, at least 1")
    return count


def _points(law: Law, nodes: int, rule: str, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    from scipy.special import ndtri  # here: SciPy takes a second to import, and every `evolve` would wait for it
    from scipy.stats import qmc

    if rule == "random":
        net = law.draw(nodes, rng, norm=nodes)
        return net.a, net.b, net.c
    if nodes & (nodes - 1):
        raise InputError(f"nodes is {nodes}; a Sobol sequence has a power of 2, such as 4096")
    unit = qmc.Sobol(3, rng=rng).random(nodes).T
    unit = np.clip(unit, 1e-16, 1 - 1e-16)
    a, b, c = ndtri(unit) if law.family == "gaussian" else 2 * unit - 1
    return law.a * a, law.b * b, law.c * c


def _of_particles(a: Array, b: Array, c: Array, weights: Array, metric: Metric) -> Start:
    """The network of norm 1 whose neurons are these particles with these weights."""
    root = np.sqrt(weights)
    net = ReLUNet(root * a, root * b, root * c)
    return Start(net if metric == "full" else gauge(net, metric, weights), tuple(weights.tolist()))


def _quadrature(law: Law, data: Samples, nodes: int, metric: Metric) -> Start:
    if law.a == 0 or law.b == 0:
        raise InputError(f"the law has a = {law.a:g} and b = {law.b:g}; a quadrature needs both to be random")
    cuts = _cuts(law, data.distinct.x)
    panel = max(1, round(np.sqrt(2 * nodes) / len(cuts)))  # as dense in theta as in atan(c / n)
    fine = nodes // (2 * panel * len(cuts))  # on each side of c = 0
    if fine < 1:
        raise InputError(f"nodes is {nodes}; a quadrature over {len(cuts)} arcs needs at least {2 * len(cuts)}")
    theta, share = _panels(cuts, panel)
    cos, sin = np.cos(theta), np.sin(theta)
    if law.family == "gaussian":
        unit = 1 / np.hypot(cos / law.a, sin / law.b)  # the deviation of n at theta
        share = share * unit**2 / (_TURN * law.a * law.b)
    else:
        unit = 1 / np.maximum(np.abs(cos) / law.a, np.abs(sin) / law.b)  # the largest n at theta
        share = share * unit**2 / (8 * law.a * law.b)
    n, c, part = _sizes(law.family, fine) if metric == "full" else _strengths(law.family, fine)
    length = np.outer(unit, n)
    weights = np.outer(share, part)
    a, b = length * cos[:, None], -length * sin[:, None]
    c = law.c * np.broadcast_to(c, a.shape)
    return _of_particles(a.ravel(), b.ravel(), c.ravel(), weights.ravel(), metric)


def _cuts(law: Law, x: Array) -> Array:
    """The angles between which the start is smooth in theta, ascending in [0, 2 pi)."""
    rays = np.concatenate([-np.arctan(x), np.pi - np.arctan(x)])
    if law.family == "uniform":
        corner = np.arctan2(law.b, law.a)
        rays = np.concatenate([rays, [corner, np.pi - corner, np.pi + corner, -corner]])
    cuts = np.unique(np.mod(rays, _TURN))
    return cuts[np.append(True, np.diff(cuts) > 1e-9)]


def _panels(cuts: Array, count: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on each piece of the circle."""
    x, w = np.polynomial.legendre.leggauss(count)
    length = np.diff(np.append(cuts, cuts[0] + _TURN))
    theta = cuts[:, None] + length[:, None] * (1 + x) / 2
    return theta.ravel(), (length[:, None] * w / 2).ravel()


def _half(count: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return (1 + x) / 2, w / 2


def _sizes(family: str, count: int) -> tuple[Array, Array, Array]:
    """(n, c, weights), in units of their scales at one theta: sums of functions of degree 2 are as under the law."""
    x, w = _half(count)
    if family == "gaussian":  # n Rayleigh, c normal: E n^2 + c^2 = 3 at every phi = atan(c / n), of density cos(phi)/2
        phi = np.pi / 2 * x
        n, c, part = np.cos(phi), np.sin(phi), np.pi / 4 * w * np.cos(phi)
        return np.sqrt(3) * np.append(n, n), np.sqrt(3) * np.append(c, -c), np.append(part, part)
    # n of density 2n on [0, 1], c uniform on [-1, 1]: the larger of n and |c| has mean square 3/5, in two sectors.
    first, second = max(1, count - count // 2), count // 2
    (x, w), (z, v) = _half(first), _half(second) if second else (np.zeros(0), np.zeros(0))
    n = np.concatenate([np.ones(first), z])
    c = np.concatenate([x, np.ones(second)])
    part = np.concatenate([w, v * z]) / 3
    size = np.sqrt(0.6)
    return size * np.append(n, n), size * np.append(c, -c), np.append(part, part)


def _strengths(family: str, count: int) -> tuple[Array, Array, Array]:
    """(n, c, weights) with n = 1 and c as the product of n and c under the law, in units of their scales."""
    from scipy.special import roots_laguerre

    if family == "gaussian":
        r, w = roots_laguerre(count)
        keep = w > 1e-18
        r, w = r[keep], w[keep] / 2
    else:
        r, w = _half(count)
        w = w * (1 - r)
    return np.ones(2 * r.size), np.append(r, -r), np.append(w, w)
