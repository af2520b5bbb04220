"""The total-variation spline of the canonical parametrisation: 1/2 sum w (f - y)^2 + lam ||f||, knots anywhere.

    f(x) = sum_i e_i max(u_i x + v_i, 0),   e_i = +-1,      ||f|| = sum_i hypot(u_i, v_i)

Neurons of one sign whose directions (u, v) have the same active samples add up to one that costs no more. So the
problem is finite: a vector in the cone of each arc and sign, and on each border of two arcs, where a knot is on a
sample. With p_j = w_j (y_j - f_j) and G(d) = sum_j p_j max(<(x_j, 1), d>, 0) on the unit circle,

    f is the minimiser  if and only if  |G| <= lam everywhere and G = e_i lam at the neurons' directions,

and for any f the point p scaled until |G| <= lam bounds the least objective from below: that is the gap. On an arc
G is the inner product with one vector, so its maximum is known in closed form: the search for missing neurons is
exact. Rounds of (Newton's method on the vectors there are) + (new ones where |G| is largest) end when the gap is small.

Source: Williams et al. 2019, section 3 and equation (V-17) with the norm as it must be; the rounds are those of
Bredies & Pikkarainen 2013 and Denoyelle et al. 2019 (conditional gradient with sliding).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import KnotflowError
from knotflow.network import ReLUNet
from knotflow.splines.spline import Indices

_ENOUGH = 1e-12  # of the objective: a gap that is small enough
_ACCEPTED = 1e-6  # of the objective: a gap that rounding may leave where lam or the distances of x are tiny
_MOST_ROUNDS = 1000
_PATIENCE = 100  # rounds in which the gap does not fall by a tenth: what is left is rounding
_NEWTON_STEPS = 50
_FIRST = 1e-3  # size of a new neuron over the best it could have alone


class Best(NamedTuple):
    """A network with norm 1, its ||f||, the objective without `Samples.distinct.within`, and the gap."""

    net: ReLUNet
    norm: float
    objective: float
    gap: float


class _Problem(NamedTuple):
    """Distinct x ascending, y, weights, and the rays.

    `rays` (2 s, 2) are the directions with a knot at a sample, in the order of their angles: right-facing from the
    last sample to the first, then left-facing in the same order.
    """

    x: Array
    y: Array
    weight: Array
    lam: float
    rays: Array


class _Neurons(NamedTuple):
    """Vectors (k, 2) and signs. `place` is 2 i on ray i and 2 i + 1 in the arc between ray i and the next."""

    vectors: Array
    signs: Array
    place: Indices

    def kept(self, which: Indices) -> _Neurons:
        return _Neurons(*(each[which] for each in self))


def canonical(data: Samples, lam: float) -> Best:
    """The minimiser, or for lam = 0 the interpolant of least norm (through the mean y where an x repeats)."""
    points = data.distinct
    u = 1 / np.hypot(points.x, 1.0)[::-1]
    right = np.stack([u, -points.x[::-1] * u], axis=1)
    unit = 2.0 ** np.frexp(np.abs(points.y).max())[1]
    problem = _Problem(points.x, points.y / unit, points.weight, lam / unit, np.concatenate([right, -right]))
    neurons, objective, gap = _regularised(problem) if lam > 0 else _interpolating(problem)
    if gap == np.inf:
        raise KnotflowError("rounding leaves no interpolant in canonical parameters: standardise x")
    if gap > _ACCEPTED * objective:
        share = gap / objective
        raise KnotflowError(f"the search for knots stopped {share:.1g} of the objective above its bound: standardise x")
    norm = unit * float(np.hypot(*neurons.vectors.T).sum())
    scale = unit**2 if lam > 0 else unit
    if not len(neurons.signs):
        neurons = _Neurons(np.array([[1.0, 0.0]]), np.zeros(1), np.zeros(1))
    net = ReLUNet(neurons.vectors[:, 0], -neurons.vectors[:, 1], unit * neurons.signs)
    return Best(net, norm, objective * scale, gap * scale)


# -- lam > 0 ---------------------------------------------------------------------------------------------


def _regularised(problem: _Problem) -> tuple[_Neurons, float, float]:
    neurons = _Neurons(np.empty((0, 2)), np.empty(0), np.empty(0, dtype=np.int64))
    least, mark, waited = (neurons, np.inf, np.inf), np.inf, 0
    for _ in range(_MOST_ROUNDS):
        neurons = _slid(problem, neurons)
        rest = problem.y - _outputs(problem, neurons.vectors) @ neurons.signs
        pull = problem.weight * rest
        found, height = _maxima(problem, pull, problem.lam)
        scale = problem.lam / max(problem.lam, height)
        norm = float(np.hypot(*neurons.vectors.T).sum())
        objective = 0.5 * float(pull @ rest) + problem.lam * norm
        dual = scale * float(pull @ problem.y) - 0.5 * scale**2 * float(pull @ rest)
        if objective - dual < least[2]:
            least = (neurons, objective, max(objective - dual, 0.0))
        mark, waited = (least[2], 0) if least[2] < 0.9 * mark else (mark, waited + 1)
        new = _new(neurons, found)
        if least[2] <= _ENOUGH * objective or not len(new.signs) or waited > _PATIENCE:
            break
        neurons = _Neurons(*(np.concatenate(pair) for pair in zip(neurons, _sized(problem, new, pull), strict=True)))
    return least


def _outputs(problem: _Problem, vectors: Array) -> Array:
    """(s, k): max(u x + v, 0)."""
    return np.maximum(problem.x[:, None] * vectors[:, 0] + vectors[:, 1], 0.0)


def _maxima(problem: _Problem, pull: Array, lam: float) -> tuple[_Neurons, float]:
    """The local maxima of |G| above lam, as neurons of length 1, and the largest |G|."""
    x, rays, s = problem.x, problem.rays, len(problem.x)
    moments = np.stack([pull * x, pull], axis=1)
    suffix = np.cumsum(moments[::-1], axis=0)  # arcs 0 ... s - 1: active on the last 1, ..., s samples
    prefix = np.cumsum(moments, axis=0)[-2::-1] if s > 1 else np.empty((0, 2))
    arcs = np.concatenate([suffix, prefix, np.zeros((1, 2))])  # the last one is active on none
    height = np.hypot(*arcs.T)
    peaks = arcs / np.where(height > 0, height, 1.0)[:, None]
    at_rays = np.einsum("ij,ij->i", np.roll(arcs, 1, axis=0), rays)
    found, largest = [], 0.0
    for sign in (1.0, -1.0):
        inside = (_cross(rays, sign * peaks) > 0) & (_cross(sign * peaks, np.roll(rays, -1, axis=0)) > 0)
        values = np.stack([sign * at_rays, np.where(inside, height, -np.inf)], axis=1).ravel()
        directions = np.stack([rays, sign * peaks], axis=1).reshape(-1, 2)
        there = np.flatnonzero(values > -np.inf)
        finite = values[there]
        peak = (finite > lam) & (finite >= np.roll(finite, 1)) & (finite > np.roll(finite, -1))
        found.append(_Neurons(directions[there[peak]], np.full(int(peak.sum()), sign), there[peak]))
        largest = max(largest, float(finite.max()))
    return _Neurons(*(np.concatenate(pair) for pair in zip(*found, strict=True))), largest


def _cross(a: Array, b: Array) -> Array:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _new(neurons: _Neurons, found: _Neurons) -> _Neurons:
    """Those that were not there before."""
    have = set(zip(neurons.place.tolist(), neurons.signs.tolist(), strict=True))
    fresh = [pair not in have for pair in zip(found.place.tolist(), found.signs.tolist(), strict=True)]
    return found.kept(np.array(fresh, dtype=bool))


def _sized(problem: _Problem, new: _Neurons, pull: Array) -> _Neurons:
    """A small part of the length that would be the best for each alone."""
    outputs = _outputs(problem, new.vectors)
    best = (new.signs * (pull @ outputs) - problem.lam) / (problem.weight @ outputs**2)
    return new._replace(vectors=new.vectors * (_FIRST * best)[:, None])


def _slid(problem: _Problem, neurons: _Neurons) -> _Neurons:
    """Newton's method on lengths (on rays) and vectors (in arcs); a neuron that reaches a border stays on it."""
    for _ in range(_NEWTON_STEPS + 4 * len(neurons.signs)):
        if not len(neurons.signs):
            break
        direction, slope = _newton(problem, neurons)
        step, blocked = _longest(problem, neurons, direction)
        before = _objective(problem, neurons.vectors, neurons.signs)
        # Below rounding the objective cannot tell, and the direction is trusted.
        while -step * slope > 1e-13 * before:
            if _objective(problem, neurons.vectors + step * direction, neurons.signs) <= before + 0.1 * step * slope:
                break
            step, blocked = step / 2, None
        neurons = neurons._replace(vectors=neurons.vectors + step * direction)
        if blocked is not None:
            neurons = _landed(problem, neurons, blocked)
        elif -slope <= 1e-18 * before:
            break
    return neurons


def _objective(problem: _Problem, vectors: Array, signs: Array) -> float:
    rest = problem.y - _outputs(problem, vectors) @ signs
    return 0.5 * float(problem.weight @ rest**2) + problem.lam * float(np.hypot(*vectors.T).sum())


def _newton(problem: _Problem, neurons: _Neurons) -> tuple[Array, float]:
    """The direction, as changes of the vectors, and the slope of the objective along it."""
    length = np.hypot(*neurons.vectors.T)
    along = neurons.vectors / length[:, None]
    free = neurons.place % 2 == 1
    active = (_outputs(problem, neurons.vectors) > 0) * neurons.signs
    first = active * (problem.x[:, None] * along[:, 0] + along[:, 1])  # derivative by the length
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)[free]
    second = active[:, free] * (problem.x[:, None] * across[:, 0] + across[:, 1])  # and across
    jacobian = np.hstack([first, second])
    rest = problem.y - first @ length
    pull = problem.weight * rest
    gradient = -(pull @ jacobian)
    gradient[: len(length)] += problem.lam
    hessian = jacobian.T @ (problem.weight[:, None] * jacobian)
    hessian[np.diag_indices(len(hessian))] += np.append(np.zeros(len(length)), problem.lam / length[free])
    scale = 1 / np.sqrt(np.diag(hessian))
    scaled = hessian * scale * scale[:, None] + 1e-13 * np.eye(len(scale))
    change = -scale * np.linalg.solve(scaled, scale * gradient)
    direction = change[: len(length), None] * along
    direction[free] += change[len(length) :, None] * across
    return direction, float(gradient @ change)


def _longest(problem: _Problem, neurons: _Neurons, direction: Array) -> tuple[float, int | None]:
    """How much of the direction keeps every vector on its ray or in its arc, and the first that would leave."""
    arc, free = neurons.place // 2, neurons.place % 2 == 1
    lower, upper = problem.rays[arc], problem.rays[(arc + 1) % len(problem.rays)]
    rooms = np.stack(
        [
            np.where(free, _cross(lower, neurons.vectors), np.sum(lower * neurons.vectors, axis=1)),
            np.where(free, _cross(neurons.vectors, upper), np.inf),
        ]
    )
    losses = -np.stack(
        [
            np.where(free, _cross(lower, direction), np.sum(lower * direction, axis=1)),
            np.where(free, _cross(direction, upper), 0.0),
        ]
    )
    steps = np.divide(np.maximum(rooms, 0.0), losses, out=np.full(rooms.shape, np.inf), where=losses > 0)
    side, which = np.unravel_index(int(np.argmin(steps)), steps.shape)
    return (float(steps[side, which]), int(which)) if steps[side, which] <= 1 else (1.0, None)


def _landed(problem: _Problem, neurons: _Neurons, which: int) -> _Neurons:
    """The neuron that met a border put on the nearer ray and joined with one that is there, or taken away."""
    vectors, place = neurons.vectors.copy(), neurons.place.copy()
    length = np.hypot(*vectors.T)
    if place[which] % 2 == 0 or length[which] <= 1e-12 * length.max():
        return neurons.kept(np.arange(len(place)) != which)
    ends = np.array([place[which] // 2, (place[which] // 2 + 1) % len(problem.rays)])
    end = ends[np.argmin(np.abs(_cross(problem.rays[ends], vectors[which])))]
    place[which] = 2 * end
    vectors[which] = length[which] * problem.rays[end]
    twins = np.flatnonzero((place == place[which]) & (neurons.signs == neurons.signs[which]))
    vectors[twins[0]] = vectors[twins].sum(axis=0)
    stays = np.ones(len(place), dtype=bool)
    stays[twins[1:]] = False
    return _Neurons(vectors, neurons.signs, place).kept(stays)


# -- lam = 0 ---------------------------------------------------------------------------------------------


def _interpolating(problem: _Problem) -> tuple[_Neurons, float, float]:
    """min ||f|| through the points: a linear program over directions, new ones where the dual |G| exceeds 1."""
    rays = problem.rays
    directions = np.concatenate([rays, rays])
    signs = np.repeat([1.0, -1.0], len(rays))
    best, waited = (_Neurons(directions[:0], signs[:0], np.empty(0, dtype=np.int64)), 0.0, np.inf), 0
    rows = np.hypot(problem.x - problem.x[np.argmin(np.abs(problem.x))], 1.0)
    exact = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    while waited < 3 and best[2] > _ENOUGH * best[1]:
        outputs = _outputs(problem, directions) / rows[:, None]
        unit = 2.0 ** -np.frexp(outputs.max(axis=0))[1]  # the unknowns are the largest values in their columns
        columns, cost = outputs * signs * unit, unit / unit.min()
        program = linprog(cost, A_eq=columns, b_eq=problem.y / rows, method="highs-ds", options=exact)
        if program.status != 0:
            break  # rounding leaves no solution
        pull, lengths = program.eqlin.marginals * unit.min() / rows, unit * program.x
        found, height = _maxima(problem, pull, 1.0)
        norm = float(lengths.sum())
        gap = max(norm - float(pull @ problem.y) / max(1.0, height), 0.0)
        waited = 0 if gap < 0.9 * best[2] else waited + 1
        if gap < best[2]:
            used = program.x > 0
            vectors = directions[used] * lengths[used][:, None]
            best = (_Neurons(vectors, signs[used], np.arange(used.sum())), norm, gap)
        directions, signs = np.concatenate([directions, found.vectors]), np.concatenate([signs, found.signs])
    return best
