"""The data sets that come with knotflow.

    load(name)     the samples: load("motorcycle")
    names()        which there are
    DATASETS       a record of each: its units, its source and its licence

Each is a function of its own as well: `motorcycle()`, `nile()`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from knotflow._checks import choice
from knotflow._values import FrozenMapping
from knotflow.data.samples import Samples

__all__ = ["DATASETS", "Dataset", "load", "motorcycle", "names", "nile"]


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set.

    Attributes
    ----------
    name : str
        What `load` calls it.
    summary : str
        One line.
    x_name, y_name : str
        Both axes with their units.
    source : str
        Where it was published.
    licence : str
        On what terms the file is here.
    file, x, y : str
        The file beside this module and its columns.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.datasets.DATASETS["motorcycle"].x_name
    'time (ms)'
    """

    name: str
    summary: str
    x_name: str
    y_name: str
    source: str
    licence: str
    file: str
    x: str
    y: str

    def load(self) -> Samples:
        """The samples, with the units in their names."""
        from importlib.resources import as_file, files

        with as_file(files("knotflow") / "data" / self.file) as path:
            samples = Samples.from_csv(path, self.x, self.y)
        return dataclasses.replace(samples, x_name=self.x_name, y_name=self.y_name)


_ALL = (
    Dataset(
        name="motorcycle",
        summary="head acceleration in a simulated motorcycle impact: 133 samples at 94 distinct times",
        x_name="time (ms)",
        y_name="acceleration (g)",
        source="Silverman 1985, J. R. Statist. Soc. B 47, 1-52; `mcycle` in R's package MASS",
        licence="measured values as published; MASS, which also ships them, is under GPL-2 or GPL-3",
        file="mcycle.csv",
        x="times",
        y="accel",
    ),
    Dataset(
        name="nile",
        summary="annual flow of the Nile at Aswan, 1871 to 1970: 100 samples with a drop at 1898",
        x_name="year",
        y_name="flow (1e8 m³)",
        source="Cobb 1978, Biometrika 65, 243-251; `Nile` in R's package datasets",
        licence="measured values as published; R, which also ships them, is under GPL-2 or GPL-3",
        file="nile.csv",
        x="year",
        y="volume",
    ),
)

DATASETS: Mapping[str, Dataset] = FrozenMapping({each.name: each for each in _ALL})


def names() -> tuple[str, ...]:
    """What `load` knows.

    Returns
    -------
    tuple of str
        The names of the data sets.

    Notes
    -----
    O(1).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.datasets.names()
    ('motorcycle', 'nile')
    """
    return tuple(DATASETS)


def load(name: str) -> Samples:
    """The samples of a data set.

    Parameters
    ----------
    name : str
        One of `names()`; `DATASETS[name]` has its units, source and licence.

    Returns
    -------
    Samples
        In their units, which are in `x_name` and `y_name`.

    Raises
    ------
    InputError
        For another name.

    Notes
    -----
    O(n log n): the file is read each time.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.datasets.load("nile")
    Samples(100 points, year in [1871, 1970], flow (1e8 m³) in [456, 1370])
    >>> kf.datasets.DATASETS["nile"].source
    "Cobb 1978, Biometrika 65, 243-251; `Nile` in R's package datasets"
    """
    return DATASETS[choice("name", name, DATASETS)].load()


def motorcycle() -> Samples:
    """Head acceleration (g) against time (ms) in a motorcycle impact: 133 samples at 94 distinct times.

    Returns
    -------
    Samples

    Notes
    -----
    O(n log n): the file is read each time.

    References
    ----------
    Silverman 1985, J. R. Statist. Soc. B 47, 1-52; `mcycle` in R's package MASS (GPL-2 or GPL-3).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.datasets.motorcycle()
    Samples(133 points, time (ms) in [2.4, 57.6], acceleration (g) in [-134, 75]; 94 distinct x)
    """
    return load("motorcycle")


def nile() -> Samples:
    """Annual flow of the Nile at Aswan (1e8 m³), 1871 to 1970: 100 samples with a drop at 1898.

    Returns
    -------
    Samples

    Notes
    -----
    O(n log n): the file is read each time.

    References
    ----------
    Cobb 1978, Biometrika 65, 243-251; `Nile` in R's package datasets (GPL-2 or GPL-3).

    Examples
    --------
    >>> import knotflow as kf
    >>> len(kf.datasets.nile())
    100
    """
    return load("nile")
