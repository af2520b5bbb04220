"""Deep networks and PyTorch: modules in, and training against autograd one trial at a time."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
nn = torch.nn


def test_knots_of_a_module():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Linear(1, 9), nn.ReLU(), nn.Sequential(nn.Linear(9, 6, bias=False), nn.ReLU()), nn.Linear(6, 1)
    )
    f = kf.deep.knots(module)
    x = np.linspace(-5, 5, 2001)
    with torch.no_grad():
        y = module(torch.tensor(x[:, None], dtype=torch.float32)).numpy()[:, 0]
    np.testing.assert_allclose(f(x), y, atol=1e-5)
    assert module[0].weight.dtype == torch.float32


def test_knots_of_a_module_with_a_forward_of_its_own():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(1, 5), nn.Linear(5, 1)

        def forward(self, x):
            return self.second(torch.relu(self.first(x)))

    torch.manual_seed(1)
    net = Net()
    assert len(kf.deep.knots(net).knots) > 0


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1)),
            "a Sequential that does something else than its 2",
        ),
        (nn.Sequential(nn.Linear(1, 4), nn.Linear(4, 1)), "a Sequential that does something else"),
        (nn.ReLU(), "a ReLU without a Linear layer"),
        (nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)), r"has shape \(4, 2\): it must be \(outputs, 1\)"),
    ],
)
def test_other_modules_are_refused(module, message):
    with pytest.raises(kf.InputError, match=message):
        kf.deep.knots(module)


def reference(layers, data, lr, steps):
    """Plain gradient descent on one trial."""
    parts = []
    for weight, bias in layers:
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(np.array(weight)))
            linear.bias.copy_(torch.tensor(np.array(bias)))
        parts += [linear, nn.ReLU()]
    module = nn.Sequential(*parts[:-1])
    x, y, w = (torch.tensor(np.array(v)[:, None]) for v in (data.x, data.y, data.weights))

    def loss():
        return 0.5 * (w * (module(x) - y) ** 2).sum()

    for _ in range(steps):
        module.zero_grad()
        loss().backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= lr * parameter.grad
    return [p.detach().numpy() for p in module.parameters()], loss().item()


def test_training_is_gradient_descent_trial_by_trial():
    rng = np.random.default_rng(0)
    networks = [kf.deep.draw((8, 8), rng, start) for start in ("pytorch", "he", "pytorch")]
    data = [kf.Samples(rng.uniform(-2, 2, 12), rng.standard_normal(12), rng.uniform(0.5, 2, 12)) for _ in range(3)]
    result = kf.deep.train(networks, data, lr=1e-3, steps=60)
    for t in range(3):
        expected, loss = reference(networks[t], data[t], 1e-3, 60)
        ours = [values for pair in result.networks[t] for values in pair]
        for a, b in zip(ours, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        assert result.losses[t] == pytest.approx(loss, rel=1e-10)
        misfit = kf.deep.knots(result.networks[t])(data[t].x) - data[t].y
        assert result.losses[t] == pytest.approx(0.5 * np.sum(data[t].weights * misfit**2), rel=1e-9)


def test_no_steps_change_nothing():
    layers = kf.deep.draw((4,), np.random.default_rng(0))
    data = kf.Samples([0.0, 1.0], [1.0, 2.0])
    result = kf.deep.train([layers], data, 0.1, 0)
    assert repr(result) == f"Trained(1 network, losses in [{result.losses[0]:.6g}, {result.losses[0]:.6g}])"
    for (w, b), (w0, b0) in zip(result.networks[0], layers, strict=True):
        np.testing.assert_array_equal(w, w0)
        np.testing.assert_array_equal(b, b0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"networks": []}, "networks is empty"),
        (
            {"networks": [kf.ReLUNet([1.0], [0.0], [1.0]), kf.ReLUNet([1.0] * 2, [0.0] * 2, [1.0] * 2)]},
            r"networks\[1\] has layers",
        ),
        ({"data": [kf.Samples([0.0, 1.0], [1.0, 2.0])] * 2}, "data has 2 Samples for 1 networks"),
        ({"data": [3]}, "data is of type int: it must be Samples"),
        ({"lr": 0.0}, "lr is 0.0: it must be a finite number > 0"),
        ({"steps": -1}, "steps is -1: it must be a whole number of at least 0"),
        ({"lr": 1e6, "steps": 300}, "lr is 1e[+]06: it must be smaller, because trial 0 diverged within 300 steps"),
    ],
)
def test_input_errors_of_training(change, message):
    arguments = {
        "networks": [kf.ReLUNet([1.0, -1.0], [-0.5, -0.5], [1.0, 1.0])],
        "data": kf.Samples([0.0, 1.0, 3.0], [1.0, 2.0, 0.0]),
        "lr": 0.1,
        "steps": 1,
    }
    with pytest.raises(kf.InputError, match=message):
        kf.deep.train(**(arguments | change))


def test_lengths_must_agree():
    nets = [kf.ReLUNet([1.0], [0.0], [1.0])] * 2
    data = [kf.Samples([0.0, 1.0], [1.0, 2.0]), kf.Samples([0.0, 1.0, 2.0], [1.0, 2.0, 0.0])]
    with pytest.raises(kf.InputError, match="data has Samples of 2 and of 3 points: they must have equal lengths"):
        kf.deep.train(nets, data, 0.1, 1)
