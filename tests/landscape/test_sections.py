"""Sections against the loss itself, evaluated by definition."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.landscapes import lopsided, loss, moved
from knotflow.landscape import knot_section, loss_section


def test_knot_sections():
    net, data = lopsided(6, 9, 1)
    knots, slopes = np.linspace(-1.5, 1.5, 7), np.linspace(-2, 2, 5)
    for i in range(6):
        section = knot_section(net, data, i, knots, slopes)
        assert section.loss.shape == (7, 5)
        for p, knot in enumerate(knots):
            for q, slope in enumerate(slopes):
                c = net.c.copy()
                c[i] = slope * net.norm / net.a[i]
                assert section.loss[p, q] == pytest.approx(loss(moved(net.replace(c=c), i, knot), data), rel=1e-12)
        # Quadratic in each, quartic along a diagonal inside one gap: fourth differences do not vanish, fifth do.
        assert np.abs(np.diff(section.loss, 3, axis=1)).max() < 1e-10 * section.loss.max()
        x = np.linspace(0.71, 0.9, 7)
        line = np.diag(knot_section(net, data, i, x - 1.6, np.linspace(-1, 1, 7)).loss)
        assert np.isfinite(line).all()


def test_loss_sections():
    net, data = lopsided(4, 9, 2)
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=13), rng.normal(size=12)
    along, across = [-0.5, 0.0, 1.0], [0.0, 2.0]
    section = loss_section(net, data, u, v, along, across)
    for p, t in enumerate(along):
        for q, s in enumerate(across):
            step = t * u + s * np.append(v, 0.0)
            at = kf.ReLUNet(net.a + step[:4], net.b + step[4:8], net.c + step[8:12], net.norm, net.bias + step[12])
            assert section.loss[p, q] == pytest.approx(loss(at, data), rel=1e-12)
    with pytest.raises(
        kf.InputError, match=r"first has length 3: it must have length 12 \(a, b, c\) or 13 \(and bias\)"
    ):
        loss_section(net, data, [1, 2, 3], v, along, across)


def test_short_reprs():
    net, data = lopsided(6, 9, 1)
    section = knot_section(net, data, 0, np.linspace(-1, 1, 30), [0.0, 1.0])
    lo, hi = section.loss.min(), section.loss.max()
    assert repr(section) == f"Section(30 x 2, loss in [{lo:.6g}, {hi:.6g}])"
    assert repr(knot_section(net, data, 0, [], [1.0])) == "Section(0 x 1)"
