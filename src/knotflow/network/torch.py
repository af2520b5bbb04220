"""To PyTorch and back. PyTorch is imported only when one of these functions is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from knotflow._typing import Array
from knotflow.errors import InputError, KnotflowError
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    import torch


def from_torch(module: torch.nn.Module) -> ReLUNet:
    """The network of Sequential(Linear(1, m), ReLU(), Linear(m, 1)), biases or not, of any precision.

    a and c are the weights, b is minus the first bias and `bias` the second; norm = 1. The parameters are
    copied. Raises InputError, saying what was found, for any other module, and KnotflowError without
    PyTorch.
    """
    _require_torch()
    from torch import nn

    match list(module) if isinstance(module, nn.Sequential) else []:
        case [nn.Linear() as hidden, nn.ReLU(), nn.Linear() as output] if (
            hidden.in_features == output.out_features == 1 and hidden.out_features == output.in_features
        ):
            b = np.zeros(hidden.out_features) if hidden.bias is None else -_array(hidden.bias)
            bias = 0.0 if output.bias is None else float(_array(output.bias)[0])
            return ReLUNet(_array(hidden.weight)[:, 0], b, _array(output.weight)[0], bias=bias)
    wanted = "Sequential(Linear(1, m), ReLU(), Linear(m, 1))"
    raise InputError(f"module is {_describe(module)}: it must be {wanted}")


def to_torch(net: ReLUNet) -> torch.nn.Sequential:
    """Sequential(Linear(1, m), ReLU(), Linear(m, 1)) in float64 with the function of `net`.

    The norm is folded into the output weights, c / norm, so training it is not training a network with
    that norm. Raises KnotflowError without PyTorch.
    """
    _require_torch()
    import torch
    from torch import nn

    hidden, output = (nn.Linear(*shape, dtype=torch.float64) for shape in ((1, len(net)), (len(net), 1)))
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor(net.a[:, None]))
        hidden.bias.copy_(torch.tensor(-net.b))
        output.weight.copy_(torch.tensor(net.c[None] / net.norm))
        output.bias.fill_(net.bias)
    return nn.Sequential(hidden, nn.ReLU(), output)


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise KnotflowError('this needs PyTorch, which is not installed: pip install "knotflow[torch]"') from error


def _array(parameter: torch.Tensor) -> Array:
    return parameter.detach().cpu().double().numpy()


def _describe(module: object) -> str:
    """Like "Sequential(Linear(2, 5), Tanh, Linear(5, 1))"."""
    from torch import nn

    if isinstance(module, nn.Sequential):
        return f"Sequential({', '.join(map(_describe, module))})"
    if isinstance(module, nn.Linear):
        return f"Linear({module.in_features}, {module.out_features})"
    return type(module).__name__
