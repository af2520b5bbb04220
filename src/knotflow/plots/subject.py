"""What a figure is about: a fit, or its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from knotflow._checks import items
from knotflow._typing import AnyArray, Array
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from knotflow.data import Samples, Scaling
    from knotflow.dynamics import Trajectory

__all__ = ["Fitted", "clock", "every_fit", "fitted", "moves_in_steps", "net_and_data", "trajectory_of"]


_PARTS = ("data", "trajectory", "scaling", "regime", "settings")


class Fitted(Protocol):
    """What figures and reports need of a fit; `knotflow.Fit` has it.

    net         the network in the units of `data`
    trajectory  the training, in standardised units
    scaling     between the two
    regime      what to call the fit
    settings    what decided the training
    summary     the run in numbers
    """

    @property
    def net(self) -> ReLUNet: ...
    @property
    def data(self) -> Samples: ...
    @property
    def trajectory(self) -> Trajectory: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def regime(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def summary(self) -> Mapping[str, Any]: ...
    def __call__(self, x: Array) -> Array: ...


def fitted(fit: Any) -> Fitted:
    """`fit`, if it holds a network."""
    if not isinstance(getattr(fit, "net", None), ReLUNet) or not all(hasattr(fit, part) for part in _PARTS):
        raise InputError(f"fit is a {type(fit).__name__}: it must be a fit, as kf.fit(data) makes it")
    found: Fitted = fit
    return found


def every_fit(fits: Any) -> list[Fitted]:
    """The members of `fits`, at least one, if all of them are fits."""
    held = items("fits", fits, "fits, such as [kf.fit(data)]")
    if not held:
        raise InputError("fits is empty: it must hold at least one fit, for example [kf.fit(data)]")
    return [fitted(fit) for fit in held]


def net_and_data(subject: Fitted | ReLUNet, data: Samples | None) -> tuple[ReLUNet, Samples]:
    """The network and the data of ``(fit)`` or of ``(net, data)``, in the user's units."""
    if not isinstance(subject, ReLUNet):
        fit = fitted(subject)
        if data is not None:
            raise InputError("data is given beside a fit, which has its own: it must be left out")
        return fit.net, fit.data
    if data is None:
        raise InputError(
            "data is missing: a ReLUNet was given alone. Pass a fit, or a network and its data: "
            "fit_plot(net, data), uv_plane(net, data)"
        )
    return subject, given(data)


def trajectory_of(run: Fitted | Trajectory) -> Trajectory:
    """The training of a fit, or a trajectory itself."""
    from knotflow.dynamics import Trajectory

    return run if isinstance(run, Trajectory) else fitted(run).trajectory


def moves_in_steps(run: Trajectory) -> bool:
    """Whether a run was made in steps of its own; a flow's steps are those of its integrator."""
    from knotflow.dynamics import SGD, Adam, GradientDescent

    return isinstance(run.dynamics, GradientDescent | SGD | Adam)


def clock(runs: Iterable[Trajectory]) -> tuple[list[AnyArray], str]:
    """What to draw runs against, and its name: their steps, or, with a flow among them, the time of the flow.

    Descent has both: n steps follow the flow for the time n lr.
    """
    runs = list(runs)
    if all(map(moves_in_steps, runs)):
        return [run.steps for run in runs], "training step"
    return [run.times for run in runs], "time of the gradient flow"
