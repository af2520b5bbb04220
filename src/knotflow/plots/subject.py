"""What a figure is about: a fit, or its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples


def net_and_data(subject: Any, data: Samples | None) -> tuple[ReLUNet, Samples]:
    """The network and the data of ``(fit)`` or of ``(net, data)``."""
    if data is not None:
        return subject, data
    if hasattr(subject, "net"):
        return subject.net, subject.data
    raise InputError(
        f"data is missing: a {type(subject).__name__} was given alone. "
        "Pass a fit, or a network and its data: fit_plot(net, data), uv_plane(net, data)."
    )
