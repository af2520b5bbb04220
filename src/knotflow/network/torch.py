"""Parameters from and to PyTorch modules. PyTorch is imported only when one of these functions is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from knotflow._extras import needing_extras
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.network.parameters import Parameters

if TYPE_CHECKING:
    import torch


__all__ = ["module_of", "parameters_of"]


def parameters_of(module: torch.nn.Module) -> Parameters:
    """See `ReLUNet.from_torch`."""
    _require_torch()
    from torch import nn

    match list(module) if isinstance(module, nn.Sequential) else []:
        case [nn.Linear() as hidden, nn.ReLU(), nn.Linear() as output] if (
            hidden.in_features == output.out_features == 1 and hidden.out_features == output.in_features
        ):
            b = np.zeros(hidden.out_features) if hidden.bias is None else -_array(hidden.bias)
            bias = 0.0 if output.bias is None else float(_array(output.bias)[0])
            return Parameters(_array(hidden.weight)[:, 0], b, _array(output.weight)[0], 1.0, bias)
    wanted = "Sequential(Linear(1, m), ReLU(), Linear(m, 1))"
    raise InputError(f"module is {_describe(module)}: it must be {wanted}")


def module_of(p: Parameters) -> torch.nn.Sequential:
    """See `ReLUNet.to_torch`."""
    _require_torch()
    import torch
    from torch import nn

    hidden, output = (nn.Linear(*shape, dtype=torch.float64) for shape in ((1, len(p.a)), (len(p.a), 1)))
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor(p.a[:, None]))
        hidden.bias.copy_(torch.tensor(-p.b))
        output.weight.copy_(torch.tensor(p.c[None] / p.norm))
        output.bias.fill_(p.bias)
    return nn.Sequential(hidden, nn.ReLU(), output)


def _require_torch() -> None:
    with needing_extras():
        import torch  # noqa: F401


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
