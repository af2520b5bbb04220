"""The results of many trials as one labelled dataset, and each trial in a file of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knotflow._extras import needing_extras
from knotflow._files import atomic_write
from knotflow_papers.reproduction.experiment import Experiment, Result, Settings, Trial, plain

if TYPE_CHECKING:
    import xarray as xr


def grid(trials: Sequence[Trial], results: Sequence[Result]) -> xr.Dataset:
    """One dataset: every label of the trials is a dimension, followed by the results' own dimensions.

    A result whose name is that of its own dimension is a coordinate, the same in every trial that gives it. Where no
    trial stands, and where trials give arrays of unequal size along a dimension, there is nan.
    """
    with needing_extras():
        import xarray as xr

    labels: dict[str, list[Any]] = {}
    for trial in trials:
        for name, value in trial.items():
            values = labels.setdefault(name, [])
            if value not in values:
                values.append(value)
    coords: dict[str, Any] = dict(labels)
    variables: dict[str, tuple[tuple[str, ...], Any]] = {}
    for name in dict.fromkeys(name for result in results for name in result):
        having = [
            (trial, *_dims_and_array(result[name]))
            for trial, result in zip(trials, results, strict=True)
            if name in result
        ]
        if having[0][1] == (name,):
            coords[name] = having[0][2]
        else:
            variables[name] = _stacked(having, labels)
    data = xr.Dataset(variables)
    return data.assign_coords({name: value for name, value in coords.items() if name in data.dims})


def _dims_and_array(value: Any) -> tuple[tuple[str, ...], np.ndarray]:
    if isinstance(value, tuple):
        dims, array = value
        return ((dims,) if isinstance(dims, str) else tuple(dims)), np.asarray(array)
    return (), np.asarray(value)


def _stacked(having: list[Any], labels: Mapping[str, list[Any]]) -> tuple[tuple[str, ...], np.ndarray]:
    """The arrays of the trials in one, along the trials' labels."""
    along = list(having[0][0])
    dims = having[0][1]
    sizes = [max(array.shape[k] for _, _, array in having) for k in range(len(dims))]
    whole = np.full([*(len(labels[name]) for name in along), *sizes], np.nan)
    for trial, _, array in having:
        place: list[int | slice] = [labels[name].index(trial[name]) for name in along]
        whole[tuple(place + [slice(0, size) for size in array.shape])] = array
    return (*along, *dims), whole


# -- files -----------------------------------------------------------------------------------------------


def trial_path(out: Path, experiment: Experiment, p: Settings, trial: Trial) -> Path:
    """Where a trial's results are kept: the name tells experiment, version, settings and labels apart."""
    from knotflow import __version__

    words = [__version__, experiment.name, str(experiment.version), plain(vars(p)), plain(trial)]
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()[:20]
    return out / "trials" / experiment.name / f"{digest}.npz"


def save_trial(path: Path, trial: Trial, result: Result, seconds: float) -> None:
    """Write a trial's results, whole or not at all."""
    arrays, dims = {}, {}
    for name, value in result.items():
        dims[name], arrays[f"value_{name}"] = _dims_and_array(value)
    about = json.dumps({"trial": json.loads(plain(trial)), "dims": dims, "seconds": seconds})
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, about=np.array(about), **arrays)  # type: ignore[arg-type]


def load_trial(path: Path) -> tuple[Result, float]:
    """The results that `save_trial` wrote, and the seconds they took."""
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        result = {name: (tuple(dims), file[f"value_{name}"]) for name, dims in about["dims"].items()}
    return result, about["seconds"]


def save_dataset(data: xr.Dataset, path: Path) -> None:
    """Write NetCDF (version 3, which SciPy reads and writes), whole or not at all."""
    with atomic_write(path) as temporary:
        data.to_netcdf(temporary, engine="scipy")
