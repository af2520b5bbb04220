"""All methods by name, and the reading of files, which names them."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from knotflow._checks import choice
from knotflow._paths import file_path
from knotflow.data import Origin, Samples
from knotflow.dynamics import archive
from knotflow.dynamics.outcomes import OUTCOME
from knotflow.dynamics.protocol import EVENT, Method
from knotflow.dynamics.trajectory import ARRAYS, Trajectory
from knotflow.errors import InputError

__all__ = ["METHODS", "from_settings", "load_trajectory"]

# Every method, in steps or in time, and the module that holds it: names in `knotflow.dynamics`, and in files.
METHODS = {
    "GradientDescent": "descent",
    "SGD": "descent",
    "Adam": "adam",
    "GradientFlow": "gradient_flow",
    "CanonicalFlow": "canonical_flow",
    "MeanFieldFlow": "mean_field.flow",
    "LazyFlow": "lazy_flow",
}


def from_settings(settings: dict[str, Any]) -> Method:
    """The method that `archive.settings` described."""
    values = dict(settings)
    name = choice("method", values.pop("method"), METHODS)
    if "rng" in values:
        values["rng"] = archive.generator(values["rng"])
    # A run needs one method; the others need not be loaded.
    module = importlib.import_module(f"knotflow.dynamics.{METHODS[name]}")
    method: Method = getattr(module, name)(**values)
    return method


def load_trajectory(path: str | os.PathLike[str]) -> Trajectory:
    """The trajectory that `Trajectory.save` wrote, bit for bit, ready to be resumed.

    Parameters
    ----------
    path : path-like
        A file that `Trajectory.save` wrote, by this version of knotflow or by one that wrote format 2.

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        For a file that does not exist, is not one of these, or is not whole.

    Notes
    -----
    O(m) for each save.

    Examples
    --------
    >>> import tempfile
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [0.0], [0.5]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> run = kf.evolve(net, data, kf.LazyFlow(), until=1.0, save_at=[])
    >>> with tempfile.TemporaryDirectory() as place:
    ...     again = kf.load_trajectory(run.save(f"{place}/run"))
    >>> again.resume(until=2.0, save_at=[]).times
    array([0., 1., 2.])
    """
    path = file_path("path", path)
    try:
        return _trajectory(archive.read(path))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: give the path of a file that Trajectory.save wrote") from None
    except Exception:  # NumPy, zipfile and json raise many kinds for what they cannot read
        raise InputError(f"{path} is not a trajectory file that knotflow wrote, or not all of one") from None


def _trajectory(content: archive.Content) -> Trajectory:
    held, about = content.arrays, content.about
    names = {"x_name": about["x_name"], "y_name": about["y_name"]}
    origin = Origin.from_settings(about["x_origin"]) if about.get("x_origin") else None  # files of old have none
    arrays: dict[str, Any] = {name: held[name] for name in ARRAYS}
    for value in arrays.values():
        value.setflags(write=False)
    kept = {name: about[name] for name in ("norm", "status", "message", "seconds", "account")}
    return Trajectory(
        **arrays,
        **kept,
        data=Samples(held["data_x"], held["data_y"], held["data_weights"], **names, origin=origin),
        dynamics=from_settings(about["dynamics"]),
        state=content.state,
        events=archive.with_probability(held["events"], EVENT),
        outcomes=held.get("outcomes", np.empty(0, OUTCOME)),
    )
