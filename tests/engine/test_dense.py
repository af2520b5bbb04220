"""The dense twin itself, against rational arithmetic and finite differences: what the kernels are measured by."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from problems import NAMES, TRAINS, descents

from knotflow.engine import dense


def exact_f(a, b, c, bias, norm, x):
    """f(x) by its formula, in rational arithmetic."""
    total = Fraction(0)
    for ai, bi, ci in zip(a, b, c, strict=True):
        total += Fraction(ci) * max(Fraction(ai) * Fraction(x) - Fraction(bi), Fraction(0))
    return Fraction(bias) + total / Fraction(norm)


@given(descents(most=6))
def test_forward_is_the_formula(p):
    x = p.distinct[0]
    h, active, f = dense.forward(p.a, p.b, p.c, p.bias, p.norm, x)
    np.testing.assert_array_equal(active, h > 0)
    for j, xj in enumerate(x):
        size = abs(p.bias) + np.abs(p.c) @ (np.abs(p.a * xj) + np.abs(p.b)) / p.norm
        assert abs(f[j] - float(exact_f(p.a, p.b, p.c, p.bias, p.norm, xj))) <= 1e-14 * size


def exact_loss(values, norm, x, y, weight):
    f = [exact_f(*values, norm, xj) for xj in x]
    return sum(Fraction(w) * (fj - Fraction(t)) ** 2 for w, fj, t in zip(weight, f, y, strict=True)) / 2


def lopsided(seed, m=5, s=6):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.exponential(1.0, s))
    values = [rng.normal(0.3, 1, m), rng.normal(0.4, 1, m), rng.normal(-0.2, 1, m), 0.7]
    return values, 1.9, x, rng.normal(0.5, 1, s), rng.uniform(0.2, 3, s)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_is_the_exact_derivative(seed):
    """Central differences in rational arithmetic: exact, since L is quadratic in each parameter between knots."""
    values, norm, x, y, weight = lopsided(seed)
    step = Fraction(1, 10**9)
    grads = dense.gradient(*values, norm, x, y, weight)
    for k, grad in enumerate(grads):
        for i, ours in np.ndenumerate(grad):

            def moved(by, k=k, i=i):
                shifted = [[Fraction(v) for v in part] for part in values[:3]] + [Fraction(values[3])]
                if k == 3:
                    shifted[3] += by
                else:
                    shifted[k][i[0]] += by
                return exact_loss(shifted, norm, x, y, weight)

            expected = float((moved(step) - moved(-step)) / (2 * step))
            assert ours == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
def test_tangent_kernel_is_the_sum_of_products_of_derivatives(train):
    values, norm, x, _, _ = lopsided(7)
    step = 1e-5
    columns = []
    for k, name in enumerate(NAMES):
        for i in range(np.size(values[k]) if name in train else 0):

            def f(by, k=k, i=i):
                shifted = [np.array(v, dtype=float) for v in values]
                shifted[k].reshape(-1)[i] += by
                return dense.forward(*shifted, norm, x)[2]

            columns.append((f(step) - f(-step)) / (2 * step))  # exact: f is linear in each parameter between knots
    jacobian = np.array(columns)
    ours = dense.tangent_kernel(*values[:3], norm, x, train)
    np.testing.assert_allclose(ours, jacobian.T @ jacobian, rtol=1e-8, atol=1e-9)


@given(descents(most=6))
def test_descend_takes_gradient_steps(p):
    *_, expected = p.dense(3)
    ours = dense.descend((p.a, p.b, p.c, p.bias), p.norm, p.distinct[:3], p.lr, 3, p.train, p.decay)
    for got, want in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(got, want)
