"""Training against torch.optim: a thousand steps of each method, in float64, to ten digits."""

from __future__ import annotations

from functools import partial
from itertools import islice

import numpy as np
import pytest

import knotflow as kf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

STEPS = 1_000
WIDTHS = [30, 400]  # wide networks have interior neurons, narrow ones do not
TRAINS = [{"a", "b", "c"}, {"a", "b", "c", "bias"}, {"a", "b"}, {"c"}, {"b", "bias"}]


def lopsided_data(seed: int, weighted: bool = True) -> kf.Samples:
    """Fifteen samples crowded to the left, three of them tied at one x and two at another."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.exponential(0.4, 12) - 1.0, [0.7, 0.7, 0.7]])
    x[4] = x[9]
    weights = rng.uniform(0.3, 2.0, 15) if weighted else None
    return kf.Samples(x, np.exp(x) - 2.0 * (x > 0) + rng.normal(size=15), weights)


def lopsided_net(seed: int, m: int) -> kf.ReLUNet:
    """A random network with no symmetry: shifted parameters, a norm that is no power of two, a bias."""
    rng = np.random.default_rng(seed + 100)
    a, b = rng.normal(0.3, 1.0, m), rng.normal(-0.2, 0.7, m)
    return kf.ReLUNet(a, b, rng.normal(0.1, 0.5, m), norm=3.3, bias=0.4)


class TorchNet:
    """The same function and loss, every pre-activation in full, differentiated by PyTorch."""

    def __init__(self, net: kf.ReLUNet, data: kf.Samples):
        values = {"a": net.a, "b": net.b, "c": net.c, "bias": net.bias}
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
        self.parameters = {name: torch.nn.Parameter(tensor) for name, tensor in tensors.items()}
        self.norm = net.norm
        self.x, self.y, self.weights = (torch.tensor(v) for v in (data.x, data.y, data.weights))

    def loss(self, rows=slice(None)):
        a, b, c, bias = self.parameters.values()
        f = bias + torch.relu(self.x[rows, None] * a - b) @ c / self.norm
        return 0.5 * (self.weights[rows] * (f - self.y[rows]) ** 2).sum()

    def train(self, names, make, batches):
        """A step for each batch of rows; the batch stands for all samples, so its loss is scaled up."""
        optimiser = make([self.parameters[name] for name in sorted(names)])
        for rows in batches:
            optimiser.zero_grad()
            (len(self.x) / len(rows) * self.loss(rows)).backward()
            optimiser.step()

    def assert_equals(self, net: kf.ReLUNet):
        for name, parameter in self.parameters.items():
            expected = parameter.detach().numpy()
            np.testing.assert_allclose(getattr(net, name), expected, rtol=1e-10, atol=1e-10, err_msg=name)


def full_batches(n):
    while True:
        yield np.arange(n)


def epochs(n, size, rng):
    """A fresh permutation an epoch, cut into batches, the last of which may be short."""
    while True:
        order = rng.permutation(n)
        yield from (order[k : k + size] for k in range(0, n, size))


def check(make_ours, make_theirs, *, seed=0, m=30, train=TRAINS[1], batches=None):
    """Run both from one start and compare parameters and the loss before, on the way and after."""
    net, data = lopsided_net(seed, m), lopsided_data(seed)
    lr = 0.3 * kf.stability_limit(net, data, train=train)
    theirs = TorchNet(net, data)
    losses = [theirs.loss().item()]
    traj = kf.evolve(net, data, make_ours(lr, train=train), steps=STEPS, save_at=[0, STEPS // 2, STEPS])
    theirs.train(train, make_theirs(lr), islice(batches or full_batches(len(data)), STEPS))
    losses.append(theirs.loss().item())
    theirs.assert_equals(traj.final)
    np.testing.assert_allclose(traj.loss[[0, -1]], losses, rtol=1e-10)
    assert losses[1] < 0.9 * losses[0]
    for name in {"a", "b", "c", "bias"} - train:
        np.testing.assert_array_equal(getattr(traj.final, name), getattr(net, name))


def torch_sgd(lr, **options):
    return partial(torch.optim.SGD, lr=lr, **options)


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
@pytest.mark.parametrize("m", WIDTHS)
def test_gradient_descent_agrees(m, train):
    check(kf.GradientDescent, torch_sgd, seed=1, m=m, train=train)


@pytest.mark.parametrize("m", WIDTHS)
@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 0.0), (0.0, 0.01), (0.6, 0.02)])
def test_momentum_and_weight_decay_agree(momentum, decay, m):
    options = {"momentum": momentum, "weight_decay": decay}
    check(partial(kf.GradientDescent, **options), partial(torch_sgd, **options), m=m)


@pytest.mark.parametrize("train", TRAINS[2:], ids=lambda names: "+".join(sorted(names)))
def test_weight_decay_leaves_untrained_parameters_alone(train):
    options = {"momentum": 0.5, "weight_decay": 0.02}
    check(partial(kf.GradientDescent, **options), partial(torch_sgd, **options), seed=2, train=train)


@pytest.mark.parametrize("m", WIDTHS)
@pytest.mark.parametrize(("batch", "train"), [(1, TRAINS[0]), (4, TRAINS[1]), (15, TRAINS[2])])
def test_minibatches_agree(batch, train, m):
    def ours(lr, train):
        return kf.SGD(0.2 * lr, batch, np.random.default_rng(5), train=train)

    batches = epochs(15, batch, np.random.default_rng(5))
    check(ours, lambda lr: torch_sgd(0.2 * lr), seed=4, m=m, train=train, batches=batches)


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
@pytest.mark.parametrize("options", [{}, {"betas": (0.8, 0.95), "eps": 1e-2}], ids=["usual", "other"])
def test_adam_agrees(options, train):
    # With betas as small as these and a small eps, Adam itself is chaotic: two runs in PyTorch that start
    # 1e-15 apart end 1e-3 apart. A larger eps keeps the comparison meaningful.
    def ours(lr, train):
        return kf.Adam(2e-3, train=train, **options)

    check(ours, lambda lr: partial(torch.optim.Adam, lr=2e-3, **options), seed=3, train=train)


def test_knots_on_samples_are_inactive_there():
    data = kf.Samples([-1.0, 0.25, 0.5, 2.0], [1.0, -1.0, 0.5, 3.0])
    net = kf.ReLUNet([2.0, -4.0, 1.0, 0.0], [0.5, -2.0, 2.0, -1.0], [1.0, 0.7, -2.0, 0.3], norm=1.5)
    theirs = TorchNet(net, data)
    theirs.train({"a", "b", "c"}, torch_sgd(0.01), [np.arange(4)])
    theirs.assert_equals(kf.evolve(net, data, kf.GradientDescent(0.01), steps=1).final)
