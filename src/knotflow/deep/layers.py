"""The layers of a network R -> R, checked, from whatever holds them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import numbers
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    import torch

Layers: TypeAlias = tuple[tuple[Array, Array], ...]
LayersLike: TypeAlias = "Sequence[tuple[ArrayLike, ArrayLike]] | ReLUNet | torch.nn.Module"

_PROBES = np.concatenate([np.linspace(-4, 4, 41), [-1e3, -50.0, 50.0, 1e3]])
_SAME = 1e-9


def layers_of(network: LayersLike) -> Layers:
    """((W, b), ...), read-only float64 of shapes (out, in) and (out,), from one input to one output.

    `network` is a sequence of (W, b) pairs, a `ReLUNet`, or a PyTorch module whose Linear layers, in the order in
    which they are registered, are its layers; its forward pass (in float64, in evaluation mode) is compared with
    theirs at some points, so that other activations, skip connections and the like are refused.

    Raises InputError for other networks, and shapes that do not follow on each other.
    """
    if isinstance(network, ReLUNet):
        return _checked([(network.a[:, None], -network.b), (network.c[None] / network.norm, [network.bias])])
    if hasattr(network, "named_modules"):
        return _from_torch(cast("torch.nn.Module", network))
    try:
        pairs = [(weight, bias) for weight, bias in network]
    except (TypeError, ValueError):
        raise InputError(
            f"layers is of type {type(network).__name__}: it must be a sequence of (W, b) pairs, a ReLUNet or a "
            "PyTorch module"
        ) from None
    return _checked(pairs)


def _checked(pairs: Sequence[tuple[ArrayLike, ArrayLike]]) -> Layers:
    if not pairs:
        raise InputError("layers is empty: a network has at least one layer")
    result: list[tuple[Array, Array]] = []
    inputs, whose = 1, "a network of one variable has one input"
    for k, (weight, bias) in enumerate(pairs):
        w, b = numbers(f"layers[{k}][0]", weight), numbers(f"layers[{k}][1]", bias)
        if w.ndim != 2 or w.shape[0] == 0 or w.shape[1] != inputs:
            raise InputError(f"layers[{k}][0] has shape {w.shape}: it must be (outputs, {inputs}), because {whose}")
        if b.shape != w.shape[:1]:
            raise InputError(f"layers[{k}][1] has shape {b.shape}: it must be {w.shape[:1]}, one for each row of W")
        inputs, whose = w.shape[0], f"layer {k} has {w.shape[0]} outputs"
        for values in (w, b):
            values.setflags(write=False)
        result.append((w, b))
    if inputs != 1:
        raise InputError(f"layers[{len(pairs) - 1}][0] has {inputs} rows: the last layer must have one output")
    return tuple(result)


def forward(layers: Layers, x: Array) -> Array:
    """(n,) f(x) for (n,) x by the definition. O(n) times the number of weights."""
    h = x[:, None]
    for weight, bias in layers[:-1]:
        h = np.maximum(h @ weight.T + bias, 0)
    weight, bias = layers[-1]
    return (h @ weight.T + bias)[:, 0]


def _from_torch(module: torch.nn.Module) -> Layers:
    import torch

    exact = copy.deepcopy(module).double().eval()
    linear = [part for part in exact.modules() if isinstance(part, torch.nn.Linear)]
    if not linear:
        raise InputError(f"layers is a {type(module).__name__} without a Linear layer: there is nothing to follow")
    layers = _checked(
        [
            (
                part.weight.detach().cpu().numpy(),
                np.zeros(part.out_features) if part.bias is None else part.bias.detach().cpu().numpy(),
            )
            for part in linear
        ]
    )
    with torch.no_grad():
        theirs = exact(torch.tensor(_PROBES[:, None])).numpy().ravel()
    ours = forward(layers, _PROBES)
    if theirs.shape != ours.shape or np.any(
        np.abs(ours - theirs) > _SAME * (np.abs(ours).max() + np.abs(theirs).max())
    ):
        raise InputError(
            f"layers is a {type(module).__name__} that does something else than its {len(linear)} Linear layers with "
            "ReLU between them: only such networks are followed"
        )
    return layers
