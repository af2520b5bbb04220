"""Starts of infinite width: weighted particles that stand for a law of the parameters."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from knotflow._checks import choice, count, generator, shown
from knotflow._deprecated import warn
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.dynamics.mean_field.flow import METRICS, Metric
from knotflow.dynamics.particle_session import gauge
from knotflow.errors import InputError
from knotflow.initial.registry import INITIALISERS
from knotflow.laws import Law
from knotflow.network import ReLUNet

__all__ = ["Particles", "Rule", "particles", "start"]

Rule = Literal["quadrature", "sobol", "random"]
RULES = ("quadrature", "sobol", "random")

_TURN = 2 * np.pi


@immutable
class Particles(NamedTuple):
    """Where a `MeanFieldFlow` starts, as `particles` gives it.

    Parameters
    ----------
    net : ReLUNet
        A network of norm 1 whose neurons carry the particles' weights.
    weights : tuple of float
        These weights.

    Examples
    --------
    >>> import knotflow as kf
    >>> start = kf.dynamics.particles("he", kf.Samples([0.0, 1.0], [0.0, 1.0]), nodes=64)
    >>> len(start.net) == len(start.weights) <= 64
    True
    """

    net: ReLUNet
    weights: tuple[float, ...]

    def __repr__(self) -> str:
        return f"Particles({len(self.weights)} of total weight {sum(self.weights):.6g})"


def particles(
    law: Law | str,
    data: Samples,
    nodes: int = 4096,
    rule: Rule = "quadrature",
    metric: Metric = "full",
    rng: np.random.Generator | None = None,
) -> Particles:
    """Weighted particles (a_i, b_i, c_i) for f(x) = E c max(a x - b, 0) over a law, as a network of norm 1.

    Parameters
    ----------
    law : Law or str
        The law, or the name of an initialiser that has one: then its law of width 1, since the mean field's law does
        not depend on the width (norm = m instead). The law of the output bias has mean 0: no bias.
    data : Samples
        The samples, at whose rays the flow has kinks.
    nodes : int
        How many particles: at most, for "quadrature"; a power of 2 for "sobol".
    rule : {"quadrature", "sobol", "random"}
        A product rule, see the notes; a scrambled Sobol sequence through the inverse distribution functions; or
        independent draws, a random network of that width.
    metric : {"full", "cylinder", "polar"}
        That of the `MeanFieldFlow` to come. The neurons are sqrt(weight) times the particles for "full" and in the
        gauge of `MeanFieldFlow` for the others.
    rng : numpy.random.Generator
        For "sobol" and "random".

    Returns
    -------
    Particles
        The network and the weights.

    Raises
    ------
    InputError
        If `data` is not Samples, for a name without a law, other rules or metrics, a law with a = 0 or b = 0 in a
        quadrature, and sizes that it cannot have.

    Notes
    -----
    Quadrature: Gauss-Legendre in theta on every arc between samples' rays (and where a box has its corners), times a
    rule of one dimension on each side of c = 0, because that is all there is. Under the full flow a particle k z moves
    as k times z does, so that its size is integrated exactly and c / hypot(a, b) remains. In canonical parameters r
    remains: Laplace at each theta for Gaussians (Gauss-Laguerre), of density 1 - |r| for boxes. Later kinks, where
    particles met rays on the way, are not resolved: the error of the full flow falls about like 1/nodes, where draws
    have 1/sqrt(nodes); that of the others, where a large r is rare and fast, less evenly. O(nodes).

    References
    ----------
    Williams et al. (2019), section 2.1: the mean field limit.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0])
    >>> start = kf.dynamics.particles("gaussian", data, nodes=256)
    >>> start
    Particles(240 of total weight 1)
    >>> flow = kf.MeanFieldFlow(weights=start.weights)
    """
    data = given(data)
    law, nodes = _law(law), count("nodes", nodes, least=1)
    choice("metric", metric, METRICS)
    choice("rule", rule, RULES)
    if rng is not None:
        generator(rng)
    if rule == "quadrature":
        return _quadrature(law, data, nodes, metric)
    a, b, c = _points(law, nodes, rule, generator(rng))
    return _of_particles(a, b, c, np.full(nodes, 1 / nodes), metric)


def start(
    law: Law | str,
    data: Samples,
    nodes: int = 4096,
    rule: Rule = "quadrature",
    metric: Metric = "full",
    rng: np.random.Generator | None = None,
) -> Particles:
    """The former name of `particles`; it gives a DeprecationWarning."""
    warn("dynamics.mean_field.start", "dynamics.particles")
    return particles(law, data, nodes, rule, metric, rng)


def _law(law: Law | str) -> Law:
    if isinstance(law, Law):
        return law
    named = {name: each.law for name, each in INITIALISERS.items() if each.law is not None}
    if not isinstance(law, str) or law not in named:
        raise InputError(f"law is {shown(law)}: it must be a Law or one of {', '.join(named)}")
    return named[law](1)


def _points(law: Law, nodes: int, rule: str, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    if rule == "random":
        net = law.draw(nodes, rng, norm=nodes)
        return net.a, net.b, net.c
    if nodes & (nodes - 1):
        raise InputError(f"nodes is {nodes}: it must be a power of 2 for a Sobol sequence, such as 4096")
    # SciPy, which only this rule needs.
    from scipy.special import ndtri
    from scipy.stats import qmc

    unit = qmc.Sobol(3, rng=rng).random(nodes).T
    unit = np.clip(unit, 1e-16, 1 - 1e-16)
    a, b, c = ndtri(unit) if law.family == "gaussian" else 2 * unit - 1
    return law.a * a, law.b * b, law.c * c


def _of_particles(a: Array, b: Array, c: Array, weights: Array, metric: Metric) -> Particles:
    """The network of norm 1 whose neurons are these particles with these weights."""
    root = np.sqrt(weights)
    net = ReLUNet(root * a, root * b, root * c)
    return Particles(net if metric == "full" else gauge(net, metric, weights), tuple(weights.tolist()))


def _quadrature(law: Law, data: Samples, nodes: int, metric: Metric) -> Particles:
    if law.a == 0 or law.b == 0:
        raise InputError(f"law has the scales a = {law.a:g} and b = {law.b:g}: a quadrature needs both to be random")
    cuts = _cuts(law, data.distinct.x)
    panel = max(1, round(np.sqrt(2 * nodes) / len(cuts)))  # as dense in theta as in atan(c / n)
    fine = nodes // (2 * panel * len(cuts))  # on each side of c = 0
    if fine < 1:
        raise InputError(f"nodes is {nodes}: it must be at least {2 * len(cuts)}, two for each of {len(cuts)} arcs")
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
    if family == "gaussian":
        from scipy.special import roots_laguerre  # SciPy, which only this rule needs

        r, w = roots_laguerre(count)
        keep = w > 1e-18
        r, w = r[keep], w[keep] / 2
    else:
        r, w = _half(count)
        w = w * (1 - r)
    return np.ones(2 * r.size), np.append(r, -r), np.append(w, w)
