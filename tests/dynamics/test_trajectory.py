"""Trajectories: what they hold, and that files give them back bit for bit or say what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

import knotflow as kf
from knotflow.dynamics import load_trajectory

ARRAYS = ("steps", "times", "loss", "a", "b", "c", "bias")


def data():
    x = [-1.0, 2.0, 0.5, 0.5, 1.25]
    return kf.Samples(x, [1.0, -2.0, 0.3, 0.7, 0.1], [1, 2, 0.5, 1, 3], x_name="age", y_name="größe")


def net(m=25):
    rng = np.random.default_rng(0)
    return kf.ReLUNet(rng.normal(0.2, 1, m), rng.normal(0.3, 1, m), rng.normal(-0.2, 1, m), norm=2.5, bias=-0.1)


def run(dynamics=None, **options):
    dynamics = dynamics or kf.GradientDescent(0.02, train={"a", "b", "c", "bias"})
    return kf.evolve(net(), data(), dynamics, **({"steps": 50, "save_every": 20} | options))


def test_shapes_and_derived_values():
    traj = run()
    assert len(traj) == 4
    for name in ARRAYS:
        assert getattr(traj, name).shape == ((4, 25) if name in "abc" else (4,)), name
        with pytest.raises(ValueError, match="read-only"):
            getattr(traj, name)[0] = 1
    assert traj.steps.dtype == np.int64
    np.testing.assert_allclose(traj.times, 0.02 * traj.steps, rtol=1e-15)
    np.testing.assert_array_equal(traj.knots, [traj.net_at(k).knots for k in range(4)])
    np.testing.assert_allclose(traj.delta, [traj.net_at(k).delta for k in range(4)], rtol=1e-14)
    assert traj.train == {"a", "b", "c", "bias"}
    assert traj.seconds > 0.0
    assert repr(traj) == (
        f"Trajectory(4 saves over 50 steps of GradientDescent, 25 neurons, loss {traj.loss[0]:.6g} -> "
        f"{traj.loss[-1]:.6g}, finished)"
    )


def test_net_at():
    traj = run()
    for k in range(4):
        for network in (traj.net_at(k), traj.net_at(k - 4)):
            np.testing.assert_array_equal(network.c, traj.c[k])
            assert (network.bias, network.norm) == (traj.bias[k], 2.5)
    np.testing.assert_array_equal(traj.start.a, net().a)
    np.testing.assert_array_equal(traj.final.a, traj.a[-1])
    for k in (4, -5):
        with pytest.raises(kf.InputError, match=rf"k is {k}: it must be one of the 4 saved steps, numbered from 0"):
            traj.net_at(k)


def test_knots_of_neurons_without_one():
    flat = kf.ReLUNet([0.0, 0.0, 0.0, 1.0], [1.0, -1.0, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0])
    traj = kf.evolve(flat, data(), kf.GradientDescent(1e-3, train={"c"}), steps=1)
    np.testing.assert_array_equal(traj.knots[:, :2], [[np.inf, -np.inf]] * 2)
    np.testing.assert_array_equal(traj.knots, [traj.net_at(k).knots for k in range(2)])


def test_a_resumed_run_keeps_its_past():
    first = run()
    more = first.resume(steps=10)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(more, name)[:4], getattr(first, name))
    assert len(first) == 4  # a value: the first one is as it was
    assert more.seconds > first.seconds
    assert more.message == "took all 60 steps"
    assert more.data is first.data


METHODS = [
    kf.GradientDescent(0.02, weight_decay=0.1),
    kf.GradientDescent(0.02, momentum=0.5, train={"c"}),
    kf.SGD(0.001, batch=2, rng=3, train={"a", "bias"}),
    kf.SGD(0.001, batch=2, rng=np.random.Generator(np.random.MT19937(3))),
    kf.SGD(0.001, batch=2, rng=np.random.Generator(np.random.Philox(3))),
    kf.SGD(0.001, batch=2, rng=np.random.Generator(np.random.SFC64(3))),
    kf.Adam(0.003, betas=(0.8, 0.95), eps=1e-6),
]


@pytest.mark.parametrize("dynamics", METHODS, ids=lambda d: type(d).__name__)
def test_files_give_back_every_bit(dynamics, tmp_path):
    traj = run(dynamics, stop_loss=1e-3)
    path = traj.save(tmp_path / "run.npz")
    back = load_trajectory(str(path))
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(back, name), getattr(traj, name))
        assert not getattr(back, name).flags.writeable
        assert getattr(back, name).dtype == getattr(traj, name).dtype
    for name in ("norm", "status", "message", "seconds"):
        assert getattr(back, name) == getattr(traj, name)
    for name in ("x", "y", "weights"):
        np.testing.assert_array_equal(getattr(back.data, name), getattr(traj.data, name))
    assert (back.data.x_name, back.data.y_name) == ("age", "größe")
    assert type(back.dynamics) is type(dynamics)
    assert (back.dynamics.lr, back.train) == (dynamics.lr, dynamics.train)
    for name in ("momentum", "weight_decay", "batch", "betas", "eps"):
        assert getattr(back.dynamics, name, None) == getattr(dynamics, name, None)
    assert traj.state.keys() == back.state.keys()
    for name, value in traj.state.items():
        np.testing.assert_array_equal(back.state[name], value)
    np.testing.assert_array_equal(back.resume(steps=20).final.c, traj.resume(steps=20).final.c)


@pytest.mark.parametrize("dynamics", METHODS[2:6])
def test_the_loaded_method_starts_as_the_saved_one_did(dynamics, tmp_path):
    traj = run(dynamics)
    back = load_trajectory(traj.save(tmp_path / "run")).dynamics
    np.testing.assert_array_equal(run(back).final.a, traj.final.a)


def test_paths(tmp_path):
    traj = run()
    assert traj.save(tmp_path / "deep" / "er" / "run") == tmp_path / "deep" / "er" / "run.npz"
    assert traj.save(str(tmp_path / "run.v2")) == tmp_path / "run.v2.npz"
    traj.resume(steps=5).save(tmp_path / "run.v2.npz")  # replaces
    assert load_trajectory(tmp_path / "run.v2.npz").steps[-1] == 55
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "run.v2.npz"]


def test_a_diverged_run_can_be_kept_but_not_resumed(tmp_path):
    with pytest.warns(kf.StabilityWarning), pytest.warns(kf.DivergenceWarning):
        traj = run(kf.GradientDescent(50.0, train={"c"}))
    back = load_trajectory(traj.save(tmp_path / "run"))
    assert back.status == "diverged"
    assert back.state is None
    with pytest.raises(kf.InputError, match="diverged and cannot be carried on"):
        back.resume(steps=1)


def test_files_that_are_no_trajectories(tmp_path):
    with pytest.raises(kf.InputError, match=r"nowhere\.npz does not exist: give the path of a file that Traj"):
        load_trajectory(tmp_path / "nowhere.npz")
    text = tmp_path / "text.npz"
    text.write_text("x,y\n1,2\n")
    with pytest.raises(kf.InputError, match=r"text\.npz is not a trajectory file that knotflow wrote"):
        load_trajectory(text)
    other = tmp_path / "other.npz"
    np.savez(other, a=np.ones(3))
    with pytest.raises(kf.InputError, match=r"other\.npz is not a trajectory file that knotflow wrote"):
        load_trajectory(other)
    with pytest.raises(kf.InputError, match="is not a trajectory file that knotflow wrote"):
        load_trajectory(tmp_path)


def test_a_cut_off_file_and_a_later_format(tmp_path):
    path = run().save(tmp_path / "run")
    cut = tmp_path / "cut.npz"
    cut.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(kf.InputError, match=r"cut\.npz is not a trajectory file that knotflow wrote"):
        load_trajectory(cut)
    with np.load(path) as file:
        content = dict(file)
    about = json.loads(str(content["about"]))
    current = about["format"]
    content["about"] = np.array(json.dumps(about | {"format": 999}))
    later = tmp_path / "later.npz"
    np.savez(later, **content)
    with pytest.raises(
        kf.InputError, match=rf"later\.npz has format 999: this version of knotflow reads 2 and {current}"
    ):
        load_trajectory(later)
