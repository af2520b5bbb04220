from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from helpers.nets import dense
from knotflow.errors import InputError, KnotflowError
from knotflow.network import ReLUNet

NET = ReLUNet([2.0, -1.0, 0.5], [1.0, 3.0, -2.0], [1.0, -2.0, 3.0], norm=1.6, bias=0.3)
X = np.array([-5.0, -3.0, 0.0, 0.5, 0.7, 4.0])


def test_without_pytorch_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(KnotflowError, match=r'not installed: pip install "knotflow\[torch\]"'):
        NET.to_torch()
    with pytest.raises(KnotflowError, match="this needs PyTorch"):
        ReLUNet.from_torch(object())


@pytest.mark.torch
def test_to_torch_is_the_same_function():
    torch = pytest.importorskip("torch")
    module = NET.to_torch()
    with torch.no_grad():
        f = module(torch.tensor(X[:, None]))[:, 0].numpy()
    assert f.dtype == np.float64
    assert_allclose(f, dense(NET, X), rtol=1e-14)
    assert all(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.torch
def test_there_and_back():
    pytest.importorskip("torch")
    net = ReLUNet.from_torch(NET.to_torch())
    assert_array_equal(net.a, NET.a)
    assert_array_equal(net.b, NET.b)
    assert_array_equal(net.c, NET.c / 1.6)
    assert (net.norm, net.bias) == (1.0, 0.3)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.torch
def test_from_torch_is_the_same_function(first, second, precision):
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    dtype = getattr(torch, precision)
    layers = torch.nn.Linear(1, 7, bias=first), torch.nn.ReLU(), torch.nn.Linear(7, 1, bias=second)
    module = torch.nn.Sequential(*layers).to(dtype)
    net = ReLUNet.from_torch(module)
    with torch.no_grad():
        expected = module.double()(torch.tensor(X[:, None]))[:, 0].numpy()
    assert_allclose(net(X), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.torch
def test_from_torch_copies_the_parameters():
    torch = pytest.importorskip("torch")
    module = NET.to_torch()
    net = ReLUNet.from_torch(module)
    with torch.no_grad():
        module[0].weight.fill_(9.0)
    assert_array_equal(net.a, NET.a)


@pytest.mark.torch
def test_other_modules_are_described():
    nn = pytest.importorskip("torch").nn
    cases = {
        r"Sequential\(Linear\(2, 5\), ReLU, Linear\(5, 1\)\)": (nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 1)),
        r"Sequential\(Linear\(1, 5\), ReLU, Linear\(5, 2\)\)": (nn.Linear(1, 5), nn.ReLU(), nn.Linear(5, 2)),
        r"Sequential\(Linear\(1, 5\), ReLU, Linear\(4, 1\)\)": (nn.Linear(1, 5), nn.ReLU(), nn.Linear(4, 1)),
        r"Sequential\(Linear\(1, 5\), Tanh, Linear\(5, 1\)\)": (nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 1)),
        r"Sequential\(Linear\(1, 1\)\)": (nn.Linear(1, 1),),
        r"Sequential\(\)": (),
    }
    for found, layers in cases.items():
        with pytest.raises(InputError, match=rf"module is {found}: it must be Sequential\(Linear\(1, m\)"):
            ReLUNet.from_torch(nn.Sequential(*layers))
    with pytest.raises(InputError, match="module is ReLU: it must be"):
        ReLUNet.from_torch(nn.ReLU())


@pytest.mark.torch
def test_parameters_that_are_not_finite_are_refused():
    torch = pytest.importorskip("torch")
    module = NET.to_torch()
    with torch.no_grad():
        module[2].weight[0, 1] = float("nan")
    with pytest.raises(InputError, match=r"c\[1\] is nan"):
        ReLUNet.from_torch(module)
