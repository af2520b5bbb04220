"""Appendix 1: several layers."""

from __future__ import annotations

from typing import Literal

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import ROUNDING, Array, Rng, relative, rms


def _forward(layers: kf.deep.Layers, x: Array) -> Array:
    h = x[:, None]
    for weight, bias in layers[:-1]:
        h = np.maximum(h @ weight.T + bias, 0)
    return (h @ layers[-1][0].T + layers[-1][1])[:, 0]


def _changes(layers: kf.deep.Layers) -> Array:
    """Changes of slope at the knots, by the dense forward pass at two points of every piece."""
    at = kf.deep.knots(layers).knots
    edges = np.concatenate([[at[0] - 1], at, [at[-1] + 1]])
    first, second = edges[:-1] + np.diff(edges) / 3, edges[1:] - np.diff(edges) / 3
    return np.diff((_forward(layers, second) - _forward(layers, first)) / (second - first))


def _depth_spread(start: Literal["he", "pytorch"], nets: int, rng: Rng) -> Array:
    """Root mean squares of delta-slopes of whole networks with 1, 2 and 3 hidden layers of 40."""
    drawn = [[_changes(kf.deep.draw([40] * depth, rng, start)) for _ in range(nets)] for depth in (1, 2, 3)]
    return np.array([rms(np.concatenate(changes)) for changes in drawn])


def _dense_kinks(layers: kf.deep.Layers, reach: float, cells: int) -> Array:
    """Points of a grid on ±reach at which second differences of the forward pass show a kink; two for each kink."""
    x = np.linspace(-reach, reach, cells + 1)
    bent = np.abs(np.diff(_forward(layers, x), 2)) > 1e-6 * (x[1] - x[0])
    return x[1:-1][bent]


@claim(
    "S App 1 (i)",
    place="appendix 1, (i), figure 12",
    statement="breakpoints of deep He networks are more concentrated around the origin than elsewhere",
    oracle="kinks on a fine grid of dense forward passes: densities within .5, from .5 to 1.5, from 1.5 to 3",
)
def concentrated(rng: Rng, quick: bool) -> Outcome:
    counts, exact = np.zeros(3), np.zeros(3)
    edges = np.array([0, 0.5, 1.5, 3.0])
    for _ in range(4 if quick else 30):
        layers = kf.deep.draw([20, 20, 20], rng, "he")
        counts += np.histogram(np.abs(_dense_kinks(layers, 3.0, 60_000)), edges)[0]
        exact += np.histogram(np.abs(kf.deep.knots(layers).knots), edges)[0]
    density, ours = (each / np.diff(edges) for each in (counts, exact))
    wrong = int(np.sum(np.diff(density) >= 0)) + int(np.sum(np.diff(ours) >= 0))
    return holds(float(wrong), tol=0.0)


@claim(
    "S App 1 knots",
    place="appendix 1, figures 12 and 13",
    statement="a deep univariate ReLU network is piecewise linear, and its breakpoints can be listed exactly",
    oracle="the dense forward pass at 20,001 points against the list of knots, values and slopes",
)
def exact_knots(rng: Rng) -> Outcome:
    worst, x = 0.0, np.linspace(-4, 4, 20_001)
    for widths in ([8, 8, 8, 8], [40, 40, 40], [1, 3], [6]):
        layers = kf.deep.draw(widths, rng, "he")
        worst = largest(worst, relative(kf.deep.knots(layers)(x), _forward(layers, x)))
    return holds(worst, tol=1e-9)


@claim(
    "S App 1 (ii)",
    place="appendix 1, (ii), figure 12",
    statement="as depth increases, delta-slopes of He networks have lower variance, and the start is even flatter",
    corrected="under PyTorch's default, 1/√6 a layer; under He's law they stay as large, and there are more of them",
    oracle="rms of the changes of slope of dense forward passes, 1, 2, 3 hidden layers of 40: layers worth of √6",
)
def depth(rng: Rng, quick: bool) -> Outcome:
    nets = 20 if quick else 150
    he, torch = (_depth_spread(start, nets, rng) for start in ("he", "pytorch"))
    falls = [float(np.log(each[0] / each[2]) / np.log(6.0)) for each in (he, torch)]  # 1 if each layer takes √6
    single = he[0] * np.sqrt(40), torch[0] * np.sqrt(40)  # theory at one layer: 2 and 1/3
    correct = largest(abs(falls[0]), abs(falls[1] - 1), abs(single[0] / 2 - 1), abs(single[1] * 3 - 1))
    note = f"He: {he[0]:.3f}, {he[1]:.3f}, {he[2]:.3f} at depths 1, 2, 3"
    return corrected(abs(falls[0] - 1), float(correct), tol=0.15, note=note)


@claim(
    "S App 1 bias",
    place="appendix 1, “popular He initializations”",
    statement="breakpoints of He networks have a density",
    corrected="not with He's own b = 0: the whole network is then linear on both sides of its only breakpoint, 0",
    oracle="slopes of the dense forward pass on both sides of 0",
)
def deep_zero_bias(rng: Rng) -> Outcome:
    drawn = kf.deep.draw([20, 20, 20], rng, "he")
    layers = tuple((weight, np.zeros_like(bias)) for weight, bias in drawn)
    at = np.linspace(-5, 5, 1000)
    slopes = np.diff(_forward(layers, at))
    kinks = int(np.sum(np.abs(np.diff(slopes)) > 1e-9 * np.max(np.abs(slopes))))
    knots = kf.deep.knots(layers).knots
    wrong = float(len(knots) != 1 or abs(knots[0]) > 1e-12) + float(kinks > 2)
    wrong += float(not relative(_forward(kf.deep.layers_of(layers), at), _forward(layers, at)) < ROUNDING)
    lost = 1 - len(knots) / len(kf.deep.knots(drawn).knots)
    note = f"60 units: {len(kf.deep.knots(drawn).knots)} breakpoints, but one with b = 0"
    return corrected(lost, wrong, tol=0.0, note=note)
