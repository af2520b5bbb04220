"""Descent problems for the engine, from tame to degenerate, and a dense twin that also takes minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from knotflow.engine import dense, descent

NAMES = ("a", "b", "c", "bias")
TRAINS = [frozenset(t) for t in ("abc", "c", "ab", "a", "b", "bc", ("a", "b", "c", "bias"), ("c", "bias"), ("bias",))]
NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True)
class Descent:
    """A network, samples that may be tied, and how to descend."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    bias: float
    norm: float
    sample_x: np.ndarray  # (n,) ascending, perhaps tied
    sample_y: np.ndarray
    sample_weight: np.ndarray
    lr: float
    train: frozenset[str] = frozenset("abc")
    decay: float = 0.0

    @property
    def distinct(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """x, weighted mean y and summed weight of the distinct x, and the number of each sample's x."""
        x, point = np.unique(self.sample_x, return_inverse=True)
        on = point == np.arange(x.size)[:, None]
        weight = on @ self.sample_weight
        return x, on @ (self.sample_weight * self.sample_y) / weight, weight, point

    def repeated(self, copies: int = 8) -> Descent:
        """The same function of ``copies`` times the neurons: an arc needs several to have interior neurons."""
        a, b, c = (np.repeat(v, copies) for v in (self.a, self.b, self.c))
        scaled = {"norm": self.norm * copies, "lr": self.lr * copies, "decay": self.decay / copies}
        return Descent(**{**vars(self), "a": a, "b": b, "c": c, **scaled})

    def engine(self, minibatches: bool = False) -> tuple[Any, descent.Problem]:
        """The engine's state and problem."""
        x, y, weight, point = self.distinct
        n = self.sample_x.size if minibatches else 0
        batch = descent.Batch(point[:n], self.sample_y[:n], self.sample_weight[:n])
        problem = descent.problem(x, y, weight, self.norm, self.lr, self.train, self.decay, batch)
        return descent.start(self.a, self.b, self.c, self.bias, problem), problem

    def gradient(self, values: list, picks: np.ndarray | None = None) -> tuple:
        """Dense gradient, of all the samples or n / batch times that of a batch."""
        if picks is None:
            return dense.gradient(*values, self.norm, *self.distinct[:3])
        weight = self.sample_weight[picks] * (self.sample_x.size / picks.size)
        return dense.gradient(*values, self.norm, self.sample_x[picks], self.sample_y[picks], weight)

    def dense(self, steps: int, batches: list | None = None) -> Iterator[list]:
        """[a, b, c, bias] before the first step and after each."""
        values = [self.a, self.b, self.c, np.float64(self.bias)]
        yield values
        for t in range(steps):
            grads = self.gradient(values, batches[t] if batches else None)
            values = [
                v - self.lr * (g + self.decay * v) if name in self.train else v
                for name, v, g in zip(NAMES, values, grads, strict=True)
            ]
            yield values

    def loss(self, values: list) -> float:
        x, y, weight, _ = self.distinct
        return 0.5 * float(weight @ (dense.forward(*values, self.norm, x)[2] - y) ** 2)

    def bound(self, values: list) -> float:
        """2 / (lambda_max + weight decay) of the tangent kernel there, by dense linear algebra."""
        x, _, weight, _ = self.distinct
        kernel = dense.tangent_kernel(*values[:3], self.norm, x, self.train)
        top = np.linalg.eigvalsh(np.sqrt(np.outer(weight, weight)) * kernel)[-1]
        return 2.0 / (max(top, 1e-6) + self.decay)

    def with_lr(self, share: float) -> Descent:
        """The same with lr a share of the stability bound at the start."""
        return Descent(**{**vars(self), "lr": share * self.bound([self.a, self.b, self.c])})


def arc_patterns(s: int) -> np.ndarray:
    """(2s, s) on which samples each arc is active, from the definition of arcs."""
    rows = [np.arange(s) >= s - g for g in range(s + 1)]
    rows += [np.arange(s) < 2 * s - g for g in range(s + 1, 2 * s)]
    return np.array(rows)


def materialised(state: Any) -> list:
    """[a, b, c, bias] of the engine now."""
    saved = descent.saved(state)
    out = np.empty((3, saved["a"].size))
    bias = descent.parameters(state, *out)
    return [*out, np.float64(bias)]


def _coarse(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.integers(-4, 5, size) / 2


def _lopsided(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.normal(0.3, 1.0, size) * 10.0 ** rng.uniform(-3, 3, size)


@st.composite
def descents(draw: st.DrawFn, *, most: int = 80) -> Descent:
    """1 to ``most`` neurons, few enough for all pairs or not, and 2 to 12 distinct samples.

    Coarse values put knots on samples, lopsided ones span 1e6.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    m, s = draw(st.integers(1, most)), draw(st.integers(2, 12))
    kind = draw(st.sampled_from(["plain", "coarse", "lopsided"]))
    values = {"plain": lambda rng, n: rng.normal(0.2, 1.0, n), "coarse": _coarse, "lopsided": _lopsided}[kind]
    x = np.sort(rng.choice(49, s, replace=False) / 4 - 3 if kind == "coarse" else rng.normal(0.5, 1.0, s))
    x = np.sort(np.append(x, rng.choice(x, draw(st.integers(0, 3)))))
    a, b, c = (values(rng, m) for _ in range(3))
    if draw(st.booleans()):
        some = rng.random(m) < 0.5
        b[some] = (a * rng.choice(x, m))[some]  # knots on samples, as exactly as float64 can
    if draw(st.booleans()):
        for v in (a, b, c):
            v[rng.random(m) < 0.3] = rng.choice([0.0, -0.0])
    weight = rng.uniform(0.1, 4.0, x.size) if draw(st.booleans()) else np.ones(x.size)
    problem = Descent(
        a, b, c,
        float(values(rng, 1)[0]),
        draw(st.sampled_from([1.0, 0.3, m**0.5, float(m)])),
        x, values(rng, x.size), weight, 1.0,
        draw(st.sampled_from(TRAINS)),
        draw(st.sampled_from([0.0, 0.0, 1e-3, 0.3])),
    )  # fmt: skip
    return problem.with_lr(draw(st.sampled_from([1e-3, 0.1, 0.5, 0.9, 1.0])))
