"""What the experiments of this paper share: data, runs, and what is measured of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import knotflow as kf
from knotflow.compare import summarise
from knotflow_papers.reproduction import panels

Array = NDArray[np.float64]


def square_wave(n: int) -> kf.Samples:
    """n even samples of the square wave on [-1, 1]."""
    return kf.Samples.from_function(kf.targets.square_wave, np.linspace(-1, 1, n))


def sinusoid(n: int) -> kf.Samples:
    """n even samples of two periods of a sine on [-1, 1]."""
    x = np.linspace(-1, 1, n)
    return kf.Samples(x, kf.targets.sine(2 * x))


def at_delta(net: kf.ReLUNet, delta: float) -> tuple[kf.ReLUNet, set[str]]:
    """The network at a delta, and what is to be trained: c alone is delta = -inf, a and b are delta = +inf."""
    if np.isinf(delta):
        return net, {"c"} if delta < 0 else {"a", "b"}
    return net.with_delta(delta), {"a", "b", "c"}


def descend(
    net: kf.ReLUNet,
    data: kf.Samples,
    train: set[str],
    epochs: int,
    safety: float,
    end: kf.ReLUNet | None = None,
    saves: int = 0,
) -> kf.Trajectory:
    """Gradient descent, saved at the start, at the end and `saves` times between.

    The learning rate is `safety` times the stability bound of the start or, if it is smaller, that of `end`, where the
    exact flow leads; 0.9 times it where c alone is trained, since the bound then stays the same.
    """
    bounds = [kf.stability_limit(where, data, train) for where in (net, end or net)]
    lr = (0.9 if train == {"c"} else safety) * min(bounds)
    at = np.unique(np.geomspace(1, epochs, saves).astype(int)) if saves else np.empty(0, int)
    return kf.evolve(net, data, kf.GradientDescent(lr, train=frozenset(train)), steps=epochs, save_at=at)


def flow_to_end(net: kf.ReLUNet, data: kf.Samples, train: set[str], **options: Any) -> kf.Trajectory:
    """The exact gradient flow until its loss falls no further."""
    return kf.evolve(net, data, kf.GradientFlow(train=frozenset(train)), until="converged", **options)


def measured(net: kf.ReLUNet, data: kf.Samples, start: kf.ReLUNet, prefix: str = "") -> dict[str, float]:
    """What tells a kernel from an adaptive fit, as results.

    near   fraction of the knots in the data range that are within 1% of it from a sample
    even   that fraction if knots were spread evenly
    moved  median move of the knots that began in the data range
    """
    low, high = data.range
    inside = (start.knots > low) & (start.knots < high)
    summary = summarise(net, data)
    return {
        f"{prefix}loss": summary["loss"],
        f"{prefix}near": summary["fraction_near_samples"],
        f"{prefix}even": summary["fraction_expected"],
        f"{prefix}bends": summary["bends"],
        f"{prefix}cubic": summary["cubic_distance"],
        f"{prefix}linear": summary["linear_distance"],
        f"{prefix}moved": float(np.median(np.abs(net.knots - start.knots)[inside])),
    }


def stored(net: kf.ReLUNet, prefix: str = "") -> dict[str, Any]:
    """A network as results."""
    rows = {f"{prefix}{name}": ("neuron", getattr(net, name)) for name in "abc"}
    return rows | {f"{prefix}bias": net.bias, f"{prefix}norm": net.norm}


def network(data: Any, prefix: str = "") -> kf.ReLUNet:
    """The network that `stored` made results of; `data` has no dimension but neuron."""
    a, b, c = (data[f"{prefix}{name}"].values for name in "abc")
    return panels.net_of(a, b, c, float(data[f"{prefix}norm"]), float(data[f"{prefix}bias"]))
