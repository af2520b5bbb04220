"""What fits leave behind: a directory with the report, figures, tables and runs, written atomically."""

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
from numpy.typing import NDArray

import knotflow
from knotflow._files import atomic_write

if TYPE_CHECKING:
    from knotflow.fitting import Fit

__all__ = ["save"]

Array = NDArray[np.float64]

_POINTS = 1001  # of the curve, evenly spaced, besides the samples
_MARGIN = 0.05  # of the data's span, on both sides


def save(fits: Sequence[Fit], directory: str | PathLike[str], *, command: str | None = None) -> list[Path]:
    """Write the results of one or more fits of the same data; returns the paths of the files.

    report.html    what a reader needs, on one page, and its figures as PNG files (`knotflow.report.write`);
                   `command` is what the page says made it
    curve.csv      x, the fitted functions, the natural cubic and the linear spline through the data
    knots.csv      one line for each neuron that has a knot, from left to right
    summary.json   the numbers and settings of each fit, and the versions that made them
    <regime>.npz   the run, for `knotflow.load_trajectory`; in standardised units

    Raises OSError as the file system does.
    """
    from knotflow import report

    out = Path(directory)
    tables = [out / "curve.csv", out / "knots.csv", out / "summary.json"]
    _write_table(tables[0], *_curve(fits))
    _write_table(tables[1], *_knots(fits))
    _write_json(tables[2], _summary(fits))
    runs = [out / f"{fit.regime}.npz" for fit in fits]
    for fit, run in zip(fits, runs, strict=True):
        fit.trajectory.save(run)
    return [*report.write(fits, out / "report.html", command=command), *tables, *runs]


def _curve(fits: Sequence[Fit]) -> tuple[list[str], Iterable[Sequence[float]]]:
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
    return [data.x_name, *functions], zip(x, *(f(x) for f in functions.values()), strict=True)


def _knots(fits: Sequence[Fit]) -> tuple[list[str], Iterable[Sequence[Any]]]:
    header = ["regime", "neuron", "knot", "orientation", "delta_slope", "delta", "knot_at_start"]
    return header, (row for fit in fits for row in _knot_rows(fit))


def _knot_rows(fit: Fit) -> Iterable[Sequence[Any]]:
    """The neurons with a knot, from left to right; in the units of the data, but for delta."""
    net, before = fit.net, fit.scaling.net_to_user(fit.trajectory.start)
    order = np.argsort(net.knots, kind="stable")
    for i in order[np.isfinite(net.knots[order])]:
        yield (
            *(fit.regime, i, net.knots[i], net.orientations[i], net.delta_slopes[i]),
            *(fit.trajectory.final.delta[i], before.knots[i]),
        )


def _summary(fits: Sequence[Fit]) -> dict[str, Any]:
    data = fits[0].data
    return {
        "versions": {
            "knotflow": knotflow.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "numba")},
        },
        "data": {
            "x": data.x_name,
            "y": data.y_name,
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
    with atomic_write(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """The same in JSON's types: arrays become lists, and numbers that are not finite null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
