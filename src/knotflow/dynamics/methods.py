"""The ways to move, as values, and the sessions in which the engine carries them out.

A method is a frozen record of its settings. ``start`` opens a session: the engine's own arrays, advanced in place.
A session's ``snapshot`` holds all that the next step needs, so that a split run equals the whole run bit for bit.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from knotflow._checks import freeze, number
from knotflow.dynamics.tangent import DEFAULT_TRAIN, trained, writable
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

Array = NDArray[np.float64]
Snapshot = dict[str, NDArray[Any]]

# Why a session's ``advance`` came back; the numbers are the engine's.
DONE, REACHED, DIVERGED = range(3)


class Session(Protocol):
    """A run under way. Steps are counted by the caller."""

    def advance(self, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
        """Take up to ``steps`` steps; (steps taken, why it ended, loss of the distinct samples there)."""

    def parameters(self) -> tuple[Array, Array, Array, float]:
        """Copies of the present a, b, c and the bias."""

    def snapshot(self) -> Snapshot:
        """All that the next step needs, as named arrays: the session's own, so it is over then."""


@runtime_checkable
class Method(Protocol):
    """What ``evolve`` asks of a way to move in steps."""

    @property
    def lr(self) -> float: ...
    @property
    def train(self) -> frozenset[str]: ...
    def start(self, net: ReLUNet, data: Samples, snapshot: Snapshot | None = None) -> Session: ...
    def stability_limit(self, limit: float) -> float: ...


@dataclass(frozen=True)
class GradientDescent:
    """Gradient descent z <- z - lr dL/dz, with torch.optim.SGD's momentum and weight decay.

    lr            the step, > 0; n steps follow the gradient flow for the time n lr
    momentum      v <- momentum v + dL/dz, z <- z - lr v; in [0, 1)
    weight_decay  >= 0, adds weight_decay * z to the gradient of every trained parameter
    train         which of {"a", "b", "c", "bias"} move. {"c"}: delta = -inf; {"a", "b"}: delta = +inf

    Without momentum a step costs O(s) and O(1) for each neuron near a sample; with it, O(m + s).
    Raises InputError for a setting out of its range.
    """

    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, lr=number("lr", self.lr, above=0.0), train=trained(self.train))
        freeze(self, momentum=number("momentum", self.momentum, least=0.0, below=1.0))
        freeze(self, weight_decay=number("weight_decay", self.weight_decay, least=0.0))

    def start(self, net: ReLUNet, data: Samples, snapshot: Snapshot | None = None) -> Session:
        if self.momentum == 0.0:
            return _Descent(net, data, self.lr, self.train, self.weight_decay, snapshot)
        return _Stepwise(net, data, self, snapshot, decay=self.weight_decay, beta1=self.momentum)

    def stability_limit(self, limit: float) -> float:
        """The largest stable lr of this method, from that of plain gradient descent, 2 / lambda_max."""
        curvature = 2.0 / limit + self.weight_decay
        return (1.0 + self.momentum) * 2.0 / curvature if curvature > 0.0 else np.inf


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: each step uses ``batch`` of the n samples, drawn without replacement in epochs.

    lr     the step, > 0
    batch  how many samples a step uses, 1 <= batch; every epoch is a fresh permutation, its last batch may be short
    rng    a numpy.random.Generator (or a seed); its state now is what the run starts from, it is not advanced
    train  which of {"a", "b", "c", "bias"} move

    The gradient is n / (size of the batch) times the batch's, so that its mean is that of all samples, lr means
    what it means for `GradientDescent`, and batch = n is gradient descent. The loss recorded is that of all samples.
    Costs as `GradientDescent`. Raises InputError for a setting out of its range.
    """

    lr: float
    batch: int
    rng: np.random.Generator | int = 0
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, lr=number("lr", self.lr, above=0.0), train=trained(self.train))
        if not isinstance(self.batch, (int, np.integer)) or isinstance(self.batch, bool) or self.batch < 1:
            raise InputError(f"batch is {self.batch!r}; it must be a whole number of samples, at least 1")
        if isinstance(self.rng, (int, np.integer)) and self.rng >= 0:
            freeze(self, rng=np.random.default_rng(self.rng))
        if not isinstance(self.rng, np.random.Generator):
            raise InputError(
                f"rng is {self.rng!r}; it must be a numpy.random.Generator, as numpy.random.default_rng(seed) gives,"
                " or a seed >= 0"
            )
        freeze(self, batch=int(self.batch), rng=copy.deepcopy(self.rng))

    def start(self, net: ReLUNet, data: Samples, snapshot: Snapshot | None = None) -> Session:
        assert isinstance(self.rng, np.random.Generator)
        batches = _Batches(len(data), self.batch, copy.deepcopy(self.rng))
        return _Descent(net, data, self.lr, self.train, 0.0, snapshot, batches)

    def stability_limit(self, limit: float) -> float:
        """Plain gradient descent's limit: a necessary bound, since the batches' noise only narrows it."""
        return limit


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), as torch.optim.Adam: every parameter moves by about lr a step.

    lr     the step, > 0
    betas  decay rates of the moments, in [0, 1)
    eps    > 0, added to the root of the second moment
    train  which of {"a", "b", "c", "bias"} move

    O(m + s) a step. It does not follow the gradient flow, and in the kernel regime it does not find the
    minimum-norm interpolant. Raises InputError for a setting out of its range.
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, lr=number("lr", self.lr, above=0.0), eps=number("eps", self.eps, above=0.0))
        try:
            beta1, beta2 = self.betas
        except (TypeError, ValueError):
            raise InputError(f"betas is {self.betas!r}; it must be a pair of numbers in [0, 1)") from None
        betas = tuple(number("betas", b, least=0.0, below=1.0) for b in (beta1, beta2))
        freeze(self, betas=betas, train=trained(self.train))

    def start(self, net: ReLUNet, data: Samples, snapshot: Snapshot | None = None) -> Session:
        beta1, beta2 = self.betas
        return _Stepwise(net, data, self, snapshot, beta1=beta1, beta2=beta2, eps=self.eps)

    def stability_limit(self, limit: float) -> float:
        """Infinite: Adam's steps are bounded whatever the curvature."""
        return np.inf


# Every way to move, in steps or in time: names in `knotflow.dynamics`, and in files.
METHODS = ("GradientDescent", "SGD", "Adam", "GradientFlow", "CanonicalFlow", "MeanFieldFlow", "LazyFlow")


def to_json(method: Any) -> str:
    """The method's name and settings as text, for files."""
    settings: dict[str, Any] = {"method": type(method).__name__}
    for entry in fields(method):
        value = getattr(method, entry.name)
        if isinstance(value, frozenset):
            value = sorted(value)
        elif isinstance(value, np.random.Generator):
            value = value.bit_generator.state
        settings[entry.name] = value
    return json.dumps(settings, default=_plain)


def from_json(text: str) -> Any:
    """The method that ``to_json`` wrote down."""
    from knotflow import dynamics

    settings: dict[str, Any] = json.loads(text)
    name = settings.pop("method")
    if name not in METHODS:
        raise InputError(f"{name} is not a dynamics that knotflow knows; there are {', '.join(METHODS)}")
    method = getattr(dynamics, name)
    if "rng" in settings:
        settings["rng"] = _generator(settings["rng"])
    if "betas" in settings:
        settings["betas"] = tuple(settings["betas"])
    return method(**settings)


def _plain(value: Any) -> Any:
    return value.tolist()


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


class _Batches:
    """The samples of each step: epochs of fresh permutations, cut into batches."""

    def __init__(self, n: int, size: int, rng: np.random.Generator) -> None:
        if size > n:
            raise InputError(f"batch is {size}; it must be at most the number of samples, {n}")
        self.n, self.size, self.rng = n, size, rng
        self.left = np.empty(0, np.int64)

    def next(self, steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Picks of the next steps, end to end, and where each step's begin and end; (steps + 1,)."""
        picks, ends = [], [0]
        for _ in range(steps):
            if self.left.size == 0:
                self.left = self.rng.permutation(self.n)
            picks.append(self.left[: self.size])
            ends.append(ends[-1] + picks[-1].size)
            self.left = self.left[self.size :]
        return np.concatenate(picks) if picks else self.left[:0], np.array(ends)

    def snapshot(self) -> Snapshot:
        state = json.dumps(self.rng.bit_generator.state, default=_plain)
        return {"batches_left": self.left.copy(), "batches_rng": np.array(state)}

    def restore(self, snapshot: Snapshot) -> None:
        self.left = snapshot["batches_left"]
        self.rng = _generator(json.loads(str(snapshot["batches_rng"])))


class _Descent:
    """Plain gradient descent, whole or in minibatches. Neurons are kept sorted by their first arc, so that those of
    an arc lie together in memory."""

    def __init__(
        self,
        net: ReLUNet,
        data: Samples,
        lr: float,
        train: frozenset[str],
        decay: float,
        snapshot: Snapshot | None,
        batches: _Batches | None = None,
    ) -> None:
        from knotflow.engine import arcs, descent

        self.engine, self.batches = descent, batches
        x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
        n = len(data) if batches else 0
        batch = descent.Batch(np.searchsorted(x, data.x[:n]), *writable(data.y[:n], data.weights[:n]))
        self.problem = descent.problem(x, y, weight, net.norm, lr, train, decay, batch)
        if snapshot is not None:
            self.order = snapshot["order"]
            self.state = descent.restored(snapshot, self.problem)
            if batches:
                batches.restore(snapshot)
            return
        arc = np.empty(len(net), np.int32)
        arcs.find_arcs(*writable(net.a, net.b), x, arc)
        self.order = np.argsort(arc, kind="stable").astype(np.int32)
        self.state = descent.start(net.a[self.order], net.b[self.order], net.c[self.order], net.bias, self.problem)

    def advance(self, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
        if self.batches is None:
            none = np.empty(0, np.int64)
            return self.engine.run(self.state, self.problem, steps, stop_loss, blow_up, none, none)
        before = copy.deepcopy(self.batches)
        picks, ends = self.batches.next(steps)
        result = self.engine.run(self.state, self.problem, steps, stop_loss, blow_up, picks, ends)
        if result[0] < steps:  # hand back the batches that were not used
            before.next(result[0])
            self.batches = before
        return result

    def parameters(self) -> tuple[Array, Array, Array, float]:
        out = np.empty((3, self.order.size))
        bias = self.engine.parameters(self.state, *out)
        for row in out:
            row[self.order] = row.copy()
        return out[0], out[1], out[2], bias

    def snapshot(self) -> Snapshot:
        arrays = self.engine.saved(self.state) | {"order": self.order}
        return arrays | (self.batches.snapshot() if self.batches else {})


class _Stepwise:
    """Momentum and Adam."""

    def __init__(
        self, net: ReLUNet, data: Samples, method: GradientDescent | Adam, snapshot: Snapshot | None, *,
        beta1: float, beta2: float = 0.0, eps: float = 0.0, decay: float = 0.0,
    ) -> None:  # fmt: skip
        from knotflow.engine import moments

        self.engine = moments
        x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
        settings = moments.Settings(method.lr, decay, beta1, beta2, eps)
        self.problem = moments.problem(x, y, weight, net.norm, method.train, settings)
        if snapshot is not None:
            self.state = moments.State(*(snapshot[name].copy() for name in moments.State._fields))
        else:
            adam = isinstance(method, Adam)
            a, b, c = writable(net.a, net.b, net.c)
            self.state = moments.start(a, b, c, net.bias, x, adam)

    def advance(self, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
        return self.engine.run(self.state, self.problem, steps, stop_loss, blow_up)

    def parameters(self) -> tuple[Array, Array, Array, float]:
        a, b, c = self.state.params.copy()
        return a, b, c, float(self.state.bias[0])

    def snapshot(self) -> Snapshot:
        return self.state._asdict()
