"""The same training loop in other people's hands, and the floor no loop over the parameters can beat.

Every function takes a `Problem` and returns `run(steps) -> (a, b, c)`: gradient descent from the
problem's network, set-up included. PyTorch and JAX differentiate the loss themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numba
import numpy as np

import knotflow as kf
from bench.cases import Problem

Parameters = tuple[np.ndarray, np.ndarray, np.ndarray]
Run = Callable[[int], Parameters]


def knotflow(problem: Problem, momentum: float = 0.0) -> Run:
    """knotflow through its public interface."""
    method = kf.GradientDescent(problem.lr, momentum=momentum)

    def run(steps: int) -> Parameters:
        final = kf.evolve(problem.net, problem.data, method, steps=steps, save_at=()).final
        return final.a, final.b, final.c

    return run


def warm(problem: Problem, after: int) -> Callable[[int], object]:
    """knotflow, carrying on a run of `after` steps."""
    before = kf.evolve(problem.net, problem.data, kf.GradientDescent(problem.lr), steps=after, save_at=())
    return lambda steps: before.resume(steps=steps, save_at=())


def torch_eager(problem: Problem, optimiser: Callable | None = None, batch: int | None = None) -> Run:
    """PyTorch eager: forward, `backward`, `step`; threads left at PyTorch's default.

    The fastest of the plain forms tried: `linear`, `relu`, matrix times vector. `optimiser(parameters)`
    defaults to SGD without momentum on the full batch; `batch` samples are drawn at each step.
    """
    import torch

    x, y = torch.tensor(problem.data.x)[:, None], torch.tensor(problem.data.y)
    norm = problem.net.norm
    generator = torch.Generator().manual_seed(0)

    def loss(weight, shift, c, x, y):
        f = torch.relu(torch.nn.functional.linear(x, weight, shift)) @ c / norm
        return 0.5 * (f - y).square().sum()

    def run(steps: int) -> Parameters:
        net = problem.net
        start = (net.a[:, None], -net.b, net.c)
        weight, shift, c = parameters = [torch.nn.Parameter(torch.tensor(p)) for p in start]
        optim = optimiser(parameters) if optimiser else torch.optim.SGD(parameters, lr=problem.lr)
        for _ in range(steps):
            xb, yb = x, y
            if batch is not None:
                chosen = torch.randint(len(y), (batch,), generator=generator)
                xb, yb = x[chosen], y[chosen]
            optim.zero_grad()
            loss(weight, shift, c, xb, yb).backward()
            optim.step()
        return weight.detach().numpy()[:, 0], -shift.detach().numpy(), c.detach().numpy()

    return run


def jax_scan(problem: Problem) -> Run:
    """JAX: `value_and_grad` inside `lax.scan` inside `jit`; compiled on the first call for each `steps`."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    x, y = jnp.asarray(problem.data.x), jnp.asarray(problem.data.y)
    norm, lr = problem.net.norm, problem.lr

    def loss(parameters):
        a, b, c = parameters
        f = jax.nn.relu(jnp.outer(x, a) - b) @ c / norm
        return 0.5 * jnp.sum((f - y) ** 2)

    def step(parameters, _):
        value, gradient = jax.value_and_grad(loss)(parameters)
        return jax.tree.map(lambda p, g: p - lr * g, parameters, gradient), value

    @partial(jax.jit, static_argnums=1)
    def train(parameters, steps):
        return jax.lax.scan(step, parameters, None, length=steps)

    def run(steps: int) -> Parameters:
        net = problem.net
        start = (jnp.asarray(net.a), jnp.asarray(net.b), jnp.asarray(net.c))
        (a, b, c), losses = train(start, steps)
        losses.block_until_ready()
        return np.asarray(a), np.asarray(b), np.asarray(c)

    return run


@numba.njit
def _floor(a, b, c, steps, q0, q1):
    for _ in range(steps):
        for i in range(len(a)):
            ai, bi, ci = a[i], b[i], c[i]
            a[i] = ai - q1 * ci
            b[i] = bi + q0 * ci
            c[i] = ci - (q1 * ai - q0 * bi)


def floor(problem: Problem) -> Run:
    """One in-place pass over a, b, c a step, doing the update's arithmetic with one constant q0 and q1.

    No prefix sums, no arcs, no forward pass: what reading and writing the parameters costs by itself,
    on one thread.
    """

    def run(steps: int) -> Parameters:
        a, b, c = problem.net.a.copy(), problem.net.b.copy(), problem.net.c.copy()
        _floor(a, b, c, steps, 1e-9, 2e-9)
        return a, b, c

    return run


def floor_is_vectorised() -> bool:
    """Whether LLVM turned the floor's loop into vector instructions (read off its optimised code)."""
    _floor(np.ones(8), np.ones(8), np.ones(8), 1, 0.0, 0.0)
    return any("x double>" in code for code in _floor.inspect_llvm().values())
