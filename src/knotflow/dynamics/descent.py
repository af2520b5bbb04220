"""Gradient descent: `GradientDescent` on all samples, `SGD` on minibatches."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from knotflow._checks import count, freeze, generator, is_whole, number
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.dynamics.adam import Moments
from knotflow.dynamics.batches import Batches
from knotflow.dynamics.protocol import Past, Session, Snapshot
from knotflow.dynamics.running import StepMethod
from knotflow.dynamics.step_session import StepSession
from knotflow.dynamics.tangent import DEFAULT_TRAIN, trained, writable

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["SGD", "GradientDescent"]


@dataclass(frozen=True)
class GradientDescent(StepMethod):
    """Gradient descent z <- z - lr dL/dz, with torch.optim.SGD's momentum and weight decay.

    Parameters
    ----------
    lr : float
        The step, > 0; n steps follow the gradient flow for the time n lr.
    momentum : float
        v <- momentum v + dL/dz, z <- z - lr v; in [0, 1).
    weight_decay : float
        >= 0, adds weight_decay * z to the gradient of every trained parameter.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move. {"c"} is delta = -inf, {"a", "b"} is delta = +inf.

    Raises
    ------
    InputError
        For a setting out of its range.

    Notes
    -----
    Without momentum a step costs O(s) and O(1) for each neuron near a sample; with it, O(m + s).

    References
    ----------
    Williams et al. (2019), section 2; Sahs et al. (2022), section 2.3.

    Examples
    --------
    >>> import knotflow as kf
    >>> method = kf.GradientDescent(lr=0.1, momentum=0.5)
    >>> method.stability_limit(2.0)
    3.0
    """

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, lr=number("lr", self.lr, above=0.0), train=trained(self.train))
        freeze(self, momentum=number("momentum", self.momentum, least=0.0, below=1.0))
        freeze(self, weight_decay=number("weight_decay", self.weight_decay, least=0.0))

    def session(self, past: Past) -> Session:
        """The run after ``past``, ready to be carried on."""
        if self.momentum == 0.0:
            return StepSession(past, self, _Descent(past, self.lr, self.train, self.weight_decay))
        stepper = Moments(past, self.lr, self.train, beta1=self.momentum, decay=self.weight_decay)
        return StepSession(past, self, stepper)

    def stability_limit(self, limit: float) -> float:
        """The largest stable lr, from `limit`, that of plain gradient descent: 2 / lambda_max. O(1)."""
        curvature = 2.0 / _bound(limit) + self.weight_decay
        return (1.0 + self.momentum) * 2.0 / curvature if curvature > 0.0 else np.inf


@dataclass(frozen=True)
@immutable
class SGD(StepMethod):
    """Stochastic gradient descent: each step uses ``batch`` of the n samples, drawn without replacement in epochs.

    Parameters
    ----------
    lr : float
        The step, > 0.
    batch : int
        How many samples a step uses, from 1 to n. Every epoch is a fresh permutation; its last batch may be short.
    rng : numpy.random.Generator or int
        Where the permutations come from, or a seed. Its present state is what every run starts from; it is not
        advanced.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move.

    Raises
    ------
    InputError
        For a setting out of its range; at the start of a run, for a batch larger than the data.

    Notes
    -----
    The gradient is n / (size of the batch) times the batch's, so that its mean is that of all samples: lr means what
    it means for `GradientDescent`, and batch = n is gradient descent. The loss recorded is that of all samples. A step
    costs what one of `GradientDescent` costs.

    References
    ----------
    Robbins and Monro (1951).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.SGD(lr=0.1, batch=4, rng=0).batch
    4
    """

    lr: float
    batch: int
    rng: np.random.Generator | int = 0
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, lr=number("lr", self.lr, above=0.0), train=trained(self.train))
        freeze(self, batch=count("batch", self.batch, least=1))
        seeded = np.random.default_rng(count("rng", self.rng)) if is_whole(self.rng) else generator(self.rng)
        freeze(self, rng=copy.deepcopy(seeded))

    def session(self, past: Past) -> Session:
        """The run after ``past``, ready to be carried on."""
        batches = Batches(len(past.data), self.batch, copy.deepcopy(generator(self.rng)))
        return StepSession(past, self, _Descent(past, self.lr, self.train, 0.0, batches))

    def stability_limit(self, limit: float) -> float:
        """Plain gradient descent's limit: a necessary bound, since the batches' noise only narrows it."""
        return _bound(limit)


def _bound(limit: float) -> float:
    """`limit` as a learning rate, which is infinite where nothing reaches a sample."""
    return number("limit", limit, above=0.0, infinite=True)


class _Descent:
    """Plain gradient descent, whole or in minibatches; a `step_session.Stepper`.

    Neurons are kept sorted by their first arc, so that those of an arc lie together in memory.
    """

    def __init__(
        self, past: Past, lr: float, train: frozenset[str], decay: float, batches: Batches | None = None
    ) -> None:
        # Loading the engine loads numba, which only a run needs.
        from knotflow.engine import arcs, descent

        self.module: ModuleType = descent
        self.batches = batches
        self.problem = _problem(past.start, past.data, lr, train, decay, minibatches=batches is not None)
        if past.state is not None:
            self.order = past.state["order"]
            self.state = descent.restored(past.state, self.problem)
            if batches:
                batches.restore(past.state)
            return
        net = past.start
        arc = np.empty(len(net), np.int32)
        arcs.find_arcs(*writable(net.a, net.b), self.problem.x, arc)
        self.order = np.argsort(arc, kind="stable").astype(np.int32)
        self.state = descent.start(net.a[self.order], net.b[self.order], net.c[self.order], net.bias, self.problem)

    def run(self, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
        if self.batches is None:
            none = np.empty(0, np.int64)
            return self.module.run(self.state, self.problem, steps, stop_loss, blow_up, none, none)
        before = copy.deepcopy(self.batches)
        picks, ends = self.batches.next(steps)
        result = self.module.run(self.state, self.problem, steps, stop_loss, blow_up, picks, ends)
        if result[0] < steps:  # hand back the batches that were not used
            before.next(result[0])
            self.batches = before
        return result

    def parameters(self) -> tuple[Array, Array, Array, float]:
        out = np.empty((3, self.order.size))
        bias = self.module.parameters(self.state, *out)
        for row in out:
            row[self.order] = row.copy()
        return out[0], out[1], out[2], bias

    def snapshot(self) -> Snapshot:
        arrays = self.module.saved(self.state) | {"order": self.order}
        return arrays | (self.batches.snapshot() if self.batches else {})


def _problem(net: ReLUNet, data: Samples, lr: float, train: frozenset[str], decay: float, *, minibatches: bool) -> Any:
    """The engine's constants of a run; it needs the single samples for minibatches alone."""
    from knotflow.engine import descent  # numba, see above

    x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
    n = len(data) if minibatches else 0
    batch = descent.Batch(np.searchsorted(x, data.x[:n]), *writable(data.y[:n], data.weights[:n]))
    return descent.problem(x, y, weight, net.norm, lr, train, decay, batch)
