"""What a figure is about: a fit, or its parts."""

from __future__ import annotations

from knotflow.errors import InputError
from knotflow.fitting import Fit
from knotflow.network import ReLUNet
from knotflow.samples import Samples


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
