"""`evolve`: the one way to run a method, whatever it is."""

from __future__ import annotations

from collections.abc import Iterable

from knotflow._checks import shown
from knotflow.data import Samples
from knotflow.dynamics.progress import Watcher, watcher
from knotflow.dynamics.protocol import Asked, Method
from knotflow.dynamics.running import warn
from knotflow.dynamics.trajectory import Trajectory
from knotflow.errors import InputError, StabilityWarning
from knotflow.network import ReLUNet
from knotflow.network.subject import subject

__all__ = ["evolve"]


def evolve(
    net: ReLUNet,
    data: Samples,
    dynamics: Method,
    *,
    steps: int | None = None,
    until: float | str | None = None,
    save_every: int | None = None,
    save_at: Iterable[float] | None = None,
    stop_loss: float | None = None,
    stop_gradient: float | None = None,
    progress: Watcher | None = None,
) -> Trajectory:
    """Train ``net`` on ``data`` by ``dynamics`` and return the `Trajectory`.

    Parameters
    ----------
    net : ReLUNet
        The start; it is left as it is.
    data : Samples
        What to train on.
    dynamics : Method
        `GradientDescent`, `SGD`, `Adam`: methods that take ``steps``; or a flow, which runs ``until``:
        `GradientFlow`, `CanonicalFlow`, `MeanFieldFlow`, `LazyFlow`.
    steps : int
        How many steps, >= 0.
    until : float or "converged"
        A time, >= 0; n steps of gradient descent follow the flow for the time n lr. "converged" stops at the first
        time t at which t |dL/dt| <= rtol^2 L(0): doubling the time would change the loss by less. Modes of the
        tangent kernel that die out within t count with the loss that they hold. At a saddle it stops, too, and says
        when the saddle will be left.
    save_every : int
        The number of steps from one save to the next; or
    save_at : sequence
        save at these steps, or times of a flow. Start and end are always saved. Neither: about 240 moments, evenly
        spread on a logarithmic scale (fewer for very wide networks).
    stop_loss : float
        Stop after the first step at which L = 1/2 sum w (f - y)^2 is at most this.
    stop_gradient : float
        Stop where the Euclidean norm of the gradient in the trained parameters is at most this; looked at every 100
        steps, and not for a flow.
    progress : callable
        Called about 10 times a second with a `Progress`.

    Returns
    -------
    Trajectory
        Its ``status`` and ``message`` say how the run ended, and ``success`` whether as asked.

    Raises
    ------
    InputError
        For arguments out of their range.

    Warns
    -----
    StabilityWarning
        If the learning rate is above the stability bound of the start.
    DivergenceWarning
        If the loss grows past 1e8 times that of the start; the run then stops there.

    Notes
    -----
    Ctrl-C stops a run too, and what was computed is returned; a second Ctrl-C raises KeyboardInterrupt. A run depends
    on nothing but the arguments: not on the clock, on ``progress`` or on the number of threads.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> run = kf.evolve(net, data, kf.GradientDescent(lr=0.1), steps=20, save_every=10)
    >>> run.steps
    array([ 0, 10, 20])
    >>> run.message
    'took all 20 steps'
    >>> kf.evolve(net, data, kf.LazyFlow(), until=2.0, save_at=[1.0]).times
    array([0., 1., 2.])
    """
    data = subject(net, data)
    watcher(progress)
    if not isinstance(dynamics, Method):
        raise InputError(
            f"dynamics is {shown(dynamics)}: it must be GradientDescent, SGD, Adam or GradientFlow,"
            " or another flow: CanonicalFlow, MeanFieldFlow, LazyFlow"
        )
    caution = dynamics.caution(net, data)
    if caution is not None:
        warn(caution, StabilityWarning)
    asked = Asked(steps, until, save_every, save_at, stop_loss, stop_gradient)
    start = Trajectory.begin(dynamics.gauge(net), data, dynamics)
    run: Trajectory = dynamics.carry_on(start, asked, progress)
    return run
