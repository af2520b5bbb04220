"""Write the page and its figures."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knotflow import plots
from knotflow._files import atomic_write
from knotflow.compare import NUMBERS
from knotflow.errors import InputError
from knotflow.plots import style
from knotflow.report import words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from knotflow.dynamics import Trajectory
    from knotflow.fitting import Fit
    from knotflow.network import ReLUNet

_PANELS = (
    ("fit", plots.fit_plot, "The function", "{name}: the data, the network, two splines and the network's knots"),
    ("neurons", plots.uv_plane, "The neurons", "{name}: the neurons in the (u, v) plane with one line per sample"),
    ("knots", plots.knot_paths, "The knots during training", "{name}: knot positions against the training step"),
    ("loss", plots.loss_curve, "The loss", "{name}: training loss against the training step"),
)
_COLOURS = (
    (style.DATA, "data"),
    (style.NETWORK, "network"),
    (style.CUBIC, "natural cubic spline"),
    (style.LINEAR, "linear interpolant"),
    (style.POSITIVE, "neuron with r > 0: its knot bends f upwards"),
    (style.NEGATIVE, "neuron with r < 0: its knot bends f downwards"),
)
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
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def write(fits: Sequence[Fit], path: str | PathLike[str], *, command: str | None = None) -> list[Path]:
    """Write one HTML page about fits of the same data, and its figures as PNG files beside it.

    The page needs no other file and no network. `path` is that of the page; the figures are
    ``<stem>-<regime>-<figure>.png``. `command` is how the fits were made, as typed in a shell; without it
    the page shows the calls in Python. Every file appears whole or not at all. Returns the paths written, the
    page first. Raises InputError if `fits` is empty, OSError as the file system does.
    """
    if not fits:
        raise InputError("fits is empty: a report needs at least one fit, for example [kf.fit(data)]")
    page = Path(path)
    named = _named(fits)
    shared = _shared_pictures(named)
    sections = {name: _pictures(name, fit) for name, fit in named.items()}
    files = {f"{page.stem}-{figure}.png": picture.png for figure, picture in shared.items()}
    for name, pictures in sections.items():
        files |= {f"{page.stem}-{_slug(name)}-{figure}.png": p.png for figure, p in pictures.items()}

    html = _render(named, shared, sections, command)
    return [_put(page, html.encode()), *(_put(page.with_name(name), png) for name, png in files.items())]


def _put(path: Path, content: bytes) -> Path:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path


def _named(fits: Sequence[Fit]) -> dict[str, Fit]:
    """The fits by regime; a regime that occurs again gets a number."""
    named: dict[str, Fit] = {}
    for fit in fits:
        again = sum(other.regime == fit.regime for other in named.values())
        named[f"{fit.regime} ({again + 1})" if again else fit.regime] = fit
    return named


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-")


# -- figures ---------------------------------------------------------------------------------------------


def _shared_pictures(named: Mapping[str, Fit]) -> dict[str, Picture]:
    """What compares several fits; nothing for one."""
    if len(named) < 2:
        return {}
    return {
        "functions": Picture("The functions", "the fitted functions and the data", _png(plots.functions(named))),
        "losses": Picture("The losses", "training loss of each run", _png(plots.loss_curve(named))),
    }


def _pictures(name: str, fit: Fit) -> dict[str, Picture]:
    return {figure: Picture(title, alt.format(name=name), _png(draw(fit))) for figure, draw, title, alt in _PANELS}


def _png(figure: Figure) -> bytes:
    """The figure with each channel rounded to a multiple of 3: four fifths of the size, and no difference to see."""
    from PIL import Image

    raw, rounded = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="rgba")
    width, height = figure.canvas.get_width_height()
    pixels = np.frombuffer(raw.getvalue(), np.uint8).reshape(height, width, 4)[..., :3]
    Image.fromarray(_ROUNDED[pixels]).save(rounded, format="png", compress_level=7)
    return rounded.getvalue()


# -- the page --------------------------------------------------------------------------------------------


def _render(
    named: Mapping[str, Fit],
    shared: Mapping[str, Picture],
    sections: Mapping[str, Mapping[str, Picture]],
    command: str | None,
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from knotflow import __version__

    template = Environment(
        loader=PackageLoader("knotflow", "report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    ).get_template("report.html")
    first = next(iter(named.values()))
    return template.render(
        data=first.data,
        distinct=len(first.data.distinct.x),
        names=list(named),
        colours=_COLOURS,
        numbers=_number_rows(named),
        pictures=list(shared.values()),
        sections=[_section(name, fit, list(sections[name].values())) for name, fit in named.items()],
        settings=_setting_rows(named),
        command=command,
        calls=[words.code(fit) for fit in named.values()],
        version=__version__,
    )


def _section(name: str, fit: Fit, pictures: list[Picture]) -> dict[str, Any]:
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


def _number_rows(named: Mapping[str, Fit]) -> list[tuple[Any, list[str]]]:
    """A row per number: what it is, and its value for each fit."""

    def cell(key: str, value: Any) -> str:
        return words.share(value) if key.startswith("fraction") else words.shown(value)

    return [
        (number, [cell(number.key, fit.summary.get(number.key)) for fit in named.values()])
        for number in NUMBERS
        if any(number.key in fit.summary for fit in named.values())
    ]


def _setting_rows(named: Mapping[str, Fit]) -> list[tuple[str, list[str]]]:
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
