"""A directory about fits: the page, its figures, tables and runs, each file whole or not there."""

from __future__ import annotations

import csv
import json
import math
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knotflow._checks import text
from knotflow._files import atomic_write
from knotflow._paths import directory as checked_directory
from knotflow._typing import Array
from knotflow._version import __version__
from knotflow.plots.subject import every_fit
from knotflow.report.page import write

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.plots.subject import Fitted

__all__ = ["save"]

_POINTS = 1001  # of the curve, evenly spaced, in addition to the samples
_MARGIN = 0.05  # of the data's span, on both sides


def save(fits: Sequence[Fitted], directory: str | PathLike[str], *, command: str | None = None) -> list[Path]:
    """The results of one or more fits of the same data, in a directory.

    ============ ===========================================================================
    report.html  what a reader needs, on one page, and its figures as PNG files (`write`)
    curve.csv    x, the fitted functions, the natural cubic and the linear spline
    knots.csv    one line for each neuron that has a knot, from left to right
    summary.json numbers and settings of each fit, and the versions that made them
    <regime>.npz the run in standardised units, for `knotflow.load_trajectory`
    ============ ===========================================================================

    Parameters
    ----------
    fits : sequence of Fit
        At least one.
    directory : path
        Made if it is missing. Files of the same names are replaced, others stay.
    command : str, optional
        What the page says made the fits.

    Returns
    -------
    list of pathlib.Path
        The files written, the page first.

    Raises
    ------
    InputError
        If `fits` is empty, or `directory` is a file, lies below one or cannot be written to.
    OSError
        As the file system does.

    Notes
    -----
    About a second a fit: four figures each.

    Examples
    --------
    >>> import tempfile
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 2], [0, 1, 0]), regime="kernel", width=10, steps=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in kf.report.save([fit], folder) if path.suffix != ".png")
    ['curve.csv', 'kernel.npz', 'knots.csv', 'report.html', 'summary.json']
    """
    fits = every_fit(fits)
    if command is not None:
        text("command", command)
    out = checked_directory("directory", directory)
    tables = [out / "curve.csv", out / "knots.csv", out / "summary.json"]
    _write_table(tables[0], *_curve(fits))
    _write_table(tables[1], *_knots(fits))
    _write_json(tables[2], _summary(fits))
    runs = [out / f"{fit.regime}.npz" for fit in fits]
    for fit, run in zip(fits, runs, strict=True):
        fit.trajectory.save(run)
    return [*write(fits, out / "report.html", command=command), *tables, *runs]


def _curve(fits: Sequence[Fitted]) -> tuple[list[str], Iterable[Sequence[float]]]:
    from knotflow import splines

    data = fits[0].data
    margin = _MARGIN * data.span
    grid = np.linspace(data.range[0] - margin, data.range[1] + margin, _POINTS)
    x = np.union1d(grid, data.distinct.x)
    functions: dict[str, Callable[[Array], Array]] = {
        **{fit.regime: fit for fit in fits},
        "natural_cubic": splines.natural(data),
        "linear": splines.linear(data),
    }
    return [_x_name(data), *functions], zip(_as_given(data, x), *(f(x) for f in functions.values()), strict=True)


def _x_name(data: Samples) -> str:
    return data.x_name if data.dated else data.x_label


def _as_given(data: Samples, x: Array) -> Array:
    """x as a table holds it: dates where x counts dates, else numbers."""
    return data.from_x(x) if data.dated else x


def _knots(fits: Sequence[Fitted]) -> tuple[list[str], Iterable[Sequence[Any]]]:
    header = ["regime", "neuron", "knot", "orientation", "delta_slope", "delta", "knot_at_start"]
    return header, (row for fit in fits for row in _knot_rows(fit))


def _knot_rows(fit: Fitted) -> Iterable[Sequence[Any]]:
    """The neurons with a knot, from left to right; in the units of the data, but for delta."""
    net, before = fit.net, fit.trajectory.start.in_units(fit.scaling)
    order = np.argsort(net.knots, kind="stable")
    knots, at_start = (_as_given(fit.data, each) for each in (net.knots, before.knots))
    for i in order[np.isfinite(net.knots[order])]:
        yield (
            *(fit.regime, i, knots[i], net.orientations[i], net.delta_slopes[i]),
            *(fit.trajectory.final.delta[i], at_start[i]),
        )


def _summary(fits: Sequence[Fitted]) -> dict[str, Any]:
    data = fits[0].data
    return {
        "versions": {
            "knotflow": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "numba")},
        },
        "data": {
            "x": data.x_name,
            "y": data.y_name,
            **({"x_counts": data.x_label} if data.origin else {}),
            "samples": len(data),
            "distinct_x": len(data.distinct.x),
        },
        "fits": {
            fit.regime: {
                "settings": fit.settings,
                "status": fit.trajectory.status,
                "message": fit.trajectory.message,
                "seconds": fit.trajectory.seconds,
                **fit.summary,
            }
            for fit in fits
        },
    }


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """The same in JSON's types: arrays become lists, and numbers that are not finite null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
