"""Training deep networks in PyTorch, which is imported only here and only when `train` is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from knotflow._checks import count, extent, items, number
from knotflow._extras import needing_extras
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.deep.layers import Layers, LayersLike, layers_of
from knotflow.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Trained:
    """What `train` leaves.

    Attributes
    ----------
    networks : tuple of layers
        The trained networks, in the order of the trials.
    losses : ndarray of shape (trials,)
        1/2 sum_j w_j (f(x_j) - y_j)^2 of each at the end, read-only.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> start = kf.deep.layers_of([([[1.0]], [0.0]), ([[1.0]], [0.0])])
    >>> kf.deep.Trained((start,), np.array([0.5]))
    Trained(1 network, losses in [0.5, 0.5])
    """

    networks: tuple[Layers, ...]
    losses: Array

    def __repr__(self) -> str:
        trials = len(self.networks)
        return f"Trained({trials} network{'s' if trials > 1 else ''}, losses in {extent(self.losses)})"


def train(networks: Sequence[LayersLike], data: Samples | Sequence[Samples], lr: float, steps: int) -> Trained:
    """Full-batch gradient descent on 1/2 sum_j w_j (f(x_j) - y_j)^2, for all trials at once, in float64.

    Trials do not interact: the result is that of training them one by one.

    Parameters
    ----------
    networks : sequence
        The starts, one for each trial, see `layers_of`; all with layers of the same shapes.
    data : Samples or sequence of Samples
        Samples for all trials, or one Samples each, of the same length.
    lr : float
        Learning rate > 0, for the sum over the samples (not the mean).
    steps : int
        How many updates of all weights and biases, at least 0.

    Returns
    -------
    Trained
        The networks at the end, and their losses.

    Raises
    ------
    InputError
        For other arguments and where a trial diverges.
    KnotflowError
        Without PyTorch.

    Notes
    -----
    O(trials times weights times n) a step, as one batched matrix product a layer: 35 small trials take little more time
    than one.

    References
    ----------
    Sahs et al. 2022, appendix A.2 (table 3, figure 13).

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> start = kf.deep.draw([4, 4], np.random.default_rng(0))
    >>> kf.deep.train([start, start], kf.Samples([0, 1, 2], [0, 1, 0]), lr=0.01, steps=5)
    Trained(2 networks, losses in [..., ...])
    """
    with needing_extras():
        import torch
    starts = [layers_of(network) for network in items("networks", networks, "networks")]
    x, y, w = (torch.tensor(values) for values in _batch(starts, data))
    lr = number("lr", lr, above=0.0)
    steps = count("steps", steps)
    weights, biases = (
        [torch.tensor(np.stack([start[k][part] for start in starts])) for k in range(len(starts[0]))] for part in (0, 1)
    )
    biases = [bias[:, :, None] for bias in biases]
    parameters = [values.requires_grad_() for values in (*weights, *biases)]

    def losses() -> torch.Tensor:
        h = x
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            h = torch.baddbmm(bias, weight, h.relu() if k else h)
        return 0.5 * (w * (h - y) ** 2).sum(dim=(1, 2))

    with _one_thread():
        for _ in range(steps):
            gradients = torch.autograd.grad(losses().sum(), parameters)
            with torch.no_grad():
                torch._foreach_add_(parameters, gradients, alpha=-lr)
    final = losses().detach().numpy()
    if not np.isfinite(final).all():
        trial = int(np.argmin(np.isfinite(final)))
        raise InputError(f"lr is {lr:g}: it must be smaller, because trial {trial} diverged within {steps} steps")
    final.setflags(write=False)
    values = [
        (weight.detach().numpy(), bias.detach().numpy()[:, :, 0]) for weight, bias in zip(weights, biases, strict=True)
    ]
    trained = tuple(layers_of([(weight[t], bias[t]) for weight, bias in values]) for t in range(len(starts)))
    return Trained(trained, final)


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch on one thread, then as before: the matrices are small, and threads that wait take ten times as long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batch(starts: Sequence[Layers], data: Samples | Sequence[Samples]) -> tuple[Array, Array, Array]:
    """x, y and weights of shape (trials, 1, n), after checking that all trials have the same shapes."""
    if not starts:
        raise InputError("networks is empty: it must hold at least one network")
    shapes = [[weight.shape for weight, _ in start] for start in starts]
    for k, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise InputError(f"networks[{k}] has layers {shape}: it must have those of the first, {shapes[0]}")
    each = list(data) if isinstance(data, Sequence) else [given(data)] * len(starts)
    for part in each:
        given(part)
    if len(each) != len(starts):
        raise InputError(f"data has {len(each)} Samples for {len(starts)} networks: it must have one for each")
    lengths = sorted({len(part) for part in each})
    if len(lengths) > 1:
        raise InputError(f"data has Samples of {lengths[0]} and of {lengths[-1]} points: they must have equal lengths")
    x, y, w = (np.stack([getattr(part, name) for part in each])[:, None] for name in ("x", "y", "weights"))
    return x, y, w
