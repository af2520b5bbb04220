"""The layers of a network R -> R, checked, from whatever holds them."""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast

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
    """The layers of a network R -> R, checked: ((W, b), ...), W of shape (out, in) and b of shape (out,).

    Parameters
    ----------
    network : sequence of (W, b) pairs, ReLUNet or torch.nn.Module
        The Linear layers of a module, in the order in which they are registered, are its layers. Its forward pass (in
        float64, in evaluation mode) is compared with theirs at some points, so that other activations, skip
        connections and the like are refused.

    Returns
    -------
    tuple of (ndarray, ndarray)
        Read-only float64, from one input to one output.

    Raises
    ------
    InputError
        For other networks, and shapes that do not follow on each other.

    Notes
    -----
    O(the number of weights).

    Examples
    --------
    >>> import knotflow as kf
    >>> layers = kf.deep.layers_of([([[1.0], [2.0]], [0.0, -1.0]), ([[1.0, 1.0]], [0.5])])
    >>> [weight.shape for weight, bias in layers]
    [(2, 1), (1, 2)]
    """
    if isinstance(network, ReLUNet):
        return _checked([(network.a[:, None], -network.b), (network.c[None] / network.norm, [network.bias])])
    if _is_module(network):
        return _from_torch(network)
    try:
        pairs = [(weight, bias) for weight, bias in cast("Sequence[tuple[ArrayLike, ArrayLike]]", network)]
    except Exception:  # whatever a foreign class raises
        raise InputError(
            f"layers is of type {type(network).__name__}: it must be a sequence of (W, b) pairs, a ReLUNet or a "
            "PyTorch module"
        ) from None
    return _checked(pairs)


def _is_module(network: Any) -> TypeGuard[torch.nn.Module]:
    """Whether it is a PyTorch module. PyTorch itself is not imported: for a module it has been."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)


def _checked(pairs: Sequence[tuple[ArrayLike, ArrayLike]]) -> Layers:
    if not pairs:
        raise InputError("layers is empty: it must have at least one layer")
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
        raise InputError(f"layers is a {type(module).__name__} without a Linear layer: it must have at least one")
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
            f"layers is a {type(module).__name__} that does something else than its {len(linear)} Linear layers: "
            "it must have ReLU between them and nothing else"
        )
    return layers
