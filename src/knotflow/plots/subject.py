"""What a figure is about: a fit, or its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.fitting import Fit
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from knotflow.dynamics import Trajectory


def net_and_data(subject: Fit | ReLUNet, data: Samples | None) -> tuple[ReLUNet, Samples]:
    """The network and the data of ``(fit)`` or of ``(net, data)``, in the user's units."""
    if isinstance(subject, Fit):
        return subject.net, subject.data
    if data is None:
        raise InputError(
            f"data is missing: a {type(subject).__name__} was given alone. Pass a fit, or a network and its data: "
            "fit_plot(net, data), uv_plane(net, data)"
        )
    return subject, data


def clock(runs: Iterable[Trajectory]) -> tuple[list[NDArray[Any]], str]:
    """What to draw runs against, and its name: the steps; with a flow among them, whose steps are an integrator's
    own affair, the time of the gradient flow, which descent keeps as well."""
    runs = list(runs)
    if all(hasattr(run.dynamics, "lr") for run in runs):
        return [run.steps for run in runs], "training step"
    return [run.times for run in runs], "time of the gradient flow"
