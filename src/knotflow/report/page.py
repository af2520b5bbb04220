"""The page about fits, its figures, and the card that stands for a fit in a notebook."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knotflow import plots
from knotflow._checks import text
from knotflow._paths import new_file
from knotflow.compare import NUMBERS
from knotflow.plots.subject import every_fit, fitted
from knotflow.report import html, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from knotflow.dynamics import Trajectory
    from knotflow.network import ReLUNet
    from knotflow.plots.subject import Fitted

__all__ = ["card", "write"]


class _Panel(NamedTuple):
    """A figure of every section: the end of its file's name, what draws it, its title and its alternative text."""

    name: str
    draw: Callable[..., Figure]
    title: str
    alt: str


_PANELS = (
    _Panel("fit", plots.fit_plot, "The function", "{name}: the data, the network, two splines and the network's knots"),
    _Panel("neurons", plots.uv_plane, "The neurons", "{name}: the neurons in the (u, v) plane, one line per sample"),
    _Panel("knots", plots.knot_paths, "The knots during training", "{name}: knot positions against the training step"),
    _Panel("loss", plots.loss_curve, "The loss", "{name}: training loss against the training step"),
)
_CARD = ("rms_residual", "loss", "bends", "knots_in_range", "cubic_distance", "linear_distance")  # numbers of a card
_CARD_DPI = 90
_SETTINGS = {
    "width": "Width m",
    "norm": "norm",
    "delta": "δ = c² − a² − b² at the start",
    "init": "Initialisation",
    "seed": "Seed",
    "train": "Trained parameters",
    "dynamics": "Dynamics",
    "batch": "Batch",
    "lr": "Learning rate",
    "steps": "Steps asked for",
}


_ROUNDED = (3 * np.round(np.arange(256) / 3)).astype(np.uint8)  # black and white stay what they are


class Picture(NamedTuple):
    """A figure of the page: its title, its alternative text, and its PNG."""

    title: str
    alt: str
    png: bytes

    @property
    def source(self) -> str:
        """The PNG as a data URI."""
        return html.data_uri(self.png)


def write(fits: Sequence[Fitted], path: str | PathLike[str], *, command: str | None = None) -> list[Path]:
    """One HTML page about fits of the same data, which needs no other file and no network.

    Its figures are written beside it too, as ``<stem>-<regime>-<figure>.png``. Every file appears whole or not at
    all.

    Parameters
    ----------
    fits : sequence of Fit
        At least one; a regime that occurs again gets a number.
    path : path
        Of the page.
    command : str, optional
        How the fits were made, as typed in a shell. Without it the page shows the calls in Python.

    Returns
    -------
    list of pathlib.Path
        The files written, the page first.

    Raises
    ------
    InputError
        If `fits` is empty.
    OSError
        As the file system does.

    Notes
    -----
    About a second a fit: four figures each.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 2], [0, 1, 0]), regime="kernel", width=10, steps=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in kf.report.write([fit], pathlib.Path(folder) / "run.html")][:2]
    ['run.html', 'run-kernel-fit.png']
    """
    fits, page = every_fit(fits), new_file("path", path)
    if command is not None:
        text("command", command)
    named = _named(fits)
    shared = _shared_pictures(named)
    sections = {name: _pictures(name, fit) for name, fit in named.items()}
    files = {f"{page.stem}-{figure}.png": picture.png for figure, picture in shared.items()}
    for name, pictures in sections.items():
        files |= {f"{page.stem}-{_slug(name)}-{figure}.png": p.png for figure, p in pictures.items()}

    content = _render(named, shared, sections, command)
    return [
        html.write_whole(page, content.encode()),
        *(html.write_whole(page.with_name(name), png) for name, png in files.items()),
    ]


def card(fit: Fitted) -> str:
    """A fit as a piece of HTML for a notebook: its numbers in a table and the function in a figure.

    Parameters
    ----------
    fit : Fit
        What to show.

    Returns
    -------
    str
        HTML that needs no other file; a notebook shows it for ``fit`` itself.

    Notes
    -----
    Half a second: one figure.

    Examples
    --------
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 2], [0, 1, 0]), regime="kernel", width=10, steps=20)
    >>> "RMS residual" in kf.report.card(fit)
    True
    """
    fitted(fit)
    numbers = [(number, cells[0]) for number, cells in _number_rows({fit.regime: fit}) if number.key in _CARD]
    picture = Picture("The function", _PANELS[0].alt.format(name=fit.regime), _png(plots.fit_plot(fit), dpi=_CARD_DPI))
    values = {"fit": fit, "verdict": _sentence(fit.summary["verdict"]), "numbers": numbers, "picture": picture}
    return html.render("card.html", values)


def _named(fits: Sequence[Fitted]) -> dict[str, Fitted]:
    """The fits by regime; a regime that occurs again gets a number."""
    named: dict[str, Fitted] = {}
    for fit in fits:
        again = sum(other.regime == fit.regime for other in named.values())
        named[f"{fit.regime} ({again + 1})" if again else fit.regime] = fit
    return named


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-")


# -- figures ---------------------------------------------------------------------------------------------


def _shared_pictures(named: Mapping[str, Fitted]) -> dict[str, Picture]:
    """What compares several fits; nothing for one."""
    if len(named) < 2:
        return {}
    return {
        "functions": Picture("The functions", "the fitted functions and the data", _png(plots.functions(named))),
        "losses": Picture("The losses", "training loss of each run", _png(plots.loss_curve(named))),
    }


def _pictures(name: str, fit: Fitted) -> dict[str, Picture]:
    return {panel.name: Picture(panel.title, panel.alt.format(name=name), _png(panel.draw(fit))) for panel in _PANELS}


def _png(figure: Figure, dpi: float | None = None) -> bytes:
    """The figure with each channel rounded to a multiple of 3: four fifths of the size, and no difference to see."""
    from PIL import Image

    raw, rounded = io.BytesIO(), io.BytesIO()
    dpi = dpi or figure.dpi
    figure.savefig(raw, format="rgba", dpi=dpi)
    width, height = (int(side * dpi) for side in figure.get_size_inches())
    pixels = np.frombuffer(raw.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]
    Image.fromarray(_ROUNDED[pixels]).save(rounded, format="png", compress_level=7)
    return rounded.getvalue()


# -- the page --------------------------------------------------------------------------------------------


def _render(
    named: Mapping[str, Fitted],
    shared: Mapping[str, Picture],
    sections: Mapping[str, Mapping[str, Picture]],
    command: str | None,
) -> str:
    first = next(iter(named.values()))
    values = {
        "data": first.data,
        "distinct": len(first.data.distinct.x),
        "names": list(named),
        "colours": html.COLOURS,
        "numbers": _number_rows(named),
        "pictures": list(shared.values()),
        "sections": [_section(name, fit, list(sections[name].values())) for name, fit in named.items()],
        "settings": _setting_rows(named),
        "command": command,
        "calls": [words.code(fit) for fit in named.values()],
    }
    return html.render("report.html", values)


def _section(name: str, fit: Fitted, pictures: list[Picture]) -> dict[str, Any]:
    return {
        "name": name,
        "title": words.title(name),
        "slug": _slug(name),
        "explained": words.REGIMES.get(fit.regime, words.CUSTOM),
        "observed": words.observed(fit),
        "outcome": _sentence(fit.summary.get("verdict", fit.trajectory.message)),
        "good": fit.summary.get("converged", fit.trajectory.status != "diverged"),
        "pictures": pictures,
    }


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _number_rows(named: Mapping[str, Fitted]) -> list[tuple[Any, list[str]]]:
    """A row per number: what it is, and its value for each fit."""

    def cell(key: str, value: Any) -> str:
        return words.share(value) if key.startswith("fraction") else words.shown(value)

    return [
        (number, [cell(number.key, fit.summary.get(number.key)) for fit in named.values()])
        for number in NUMBERS
        if any(number.key in fit.summary for fit in named.values())
    ]


def _setting_rows(named: Mapping[str, Fitted]) -> list[tuple[str, list[str]]]:
    """A row per setting that some fit has, then how its run went."""
    fits = list(named.values())
    rows = [
        (label, [words.shown(fit.settings.get(key)) for fit in fits])
        for key, label in _SETTINGS.items()
        if any(fit.settings.get(key) is not None for fit in fits)
    ]
    runs = [fit.trajectory for fit in fits]
    return [
        *rows,
        ("Stability bound 2/λ at the start", [_stability_bound(run, run.start) for run in runs]),
        ("Stability bound 2/λ at the end", [_stability_bound(run, run.final) for run in runs]),
        ("Steps taken", [words.shown(int(run.steps[-1])) for run in runs]),
        ("Seconds", [f"{run.seconds:.1f}" for run in runs]),
        ("Status", [run.status for run in runs]),
    ]


def _stability_bound(run: Trajectory, net: ReLUNet) -> str:
    """The largest stable learning rate of gradient descent at a network, from the tangent kernel there."""
    from knotflow.dynamics import stability_limit

    return words.shown(stability_limit(net, run.data, run.dynamics.train))
