"""The linearised flow in closed form: `LazyFlow`, and the eigenbasis that the kernels' room solves its paths with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import as_float, extent, freeze, numbers, shown
from knotflow._typing import AnyArray, Array
from knotflow._values import derived, immutable, read_only
from knotflow.dynamics.flow_session import RTOL, FlowSession
from knotflow.dynamics.protocol import Past, Reason, Snapshot
from knotflow.dynamics.running import FlowMethod
from knotflow.dynamics.standing import Outlook
from knotflow.dynamics.tangent import DEFAULT_TRAIN, TangentKernel, arcs_and_moments, trained, writable
from knotflow.errors import InputError
from knotflow.network.subject import subject

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["LazyFlow", "Linearised", "Modes", "moment"]


@dataclass(frozen=True)
class LazyFlow(FlowMethod):
    """The gradient flow of the network linearised at its start: the kernel regime at finite width, in closed form.

    With J the derivative of f on the samples at the start z_0, K = J J^T, W the weights and rho the residuals,

        z' = -J^T W rho,   rho = f_0 + J (z - z_0) - y = exp(-K W t) rho_0,   z(t) = z_0 - J^T W (int_0^t rho)

    Parameters
    ----------
    train : set of {"a", "b", "c", "bias"}
        Which parameters move.

    Raises
    ------
    InputError
        For an unknown name in ``train``.

    Notes
    -----
    There is no step and no error but that of the eigenvalues of K. Time is that of `GradientFlow`: n steps of gradient
    descent last n lr, and since K has 1/norm^2 in it, a larger norm is slower by its square.

    The trajectory holds z(t), and its ``loss`` is that of the linearised function. Its networks, as always, are those
    of the parameters: they are the linearised function itself if train is within {"c", "bias"}, in which f is linear
    (the run is then that of `GradientFlow` with the same train), and else close to it while z has hardly moved.
    `linearised` has that function, and every t, infinity included. Where K is singular the loss does not go to 0.

    O(m log s + s^3) once, O(m + s^2) for each time saved.

    References
    ----------
    Williams et al. (2019), section 2.2 and equations (15) and (16).

    Examples
    --------
    >>> import knotflow as kf
    >>> net = kf.ReLUNet([1.0, -1.0], [-1.0, -1.0], [0.5, 0.5])
    >>> data = kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> path = kf.LazyFlow(train={"c"}).linearised(net, data)
    >>> round(path.loss(0.0), 3), round(path.loss(10.0), 3)
    (0.5, 0.0)
    """

    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, train=trained(self.train))

    @property
    def rtol(self) -> float:
        """What "converged" means to `evolve`: the solution itself is exact."""
        return RTOL

    @property
    def anchored(self) -> bool:
        """True: what follows depends on the start of the run, at which the network is linearised."""
        return True

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The network as it is."""
        return net

    def linearised(self, net: ReLUNet, data: Samples) -> Linearised:
        """The network linearised at `net`, and its path while it is trained on `data`."""
        return Linearised(net, data, self.train)

    def session(self, past: Past) -> FlowSession:
        """The run after ``past``, ready to be carried on."""
        return FlowSession(past, self.rtol, _Jumps(past, self.train))


@immutable
class Modes:
    """A linear flow rho' = -K W rho on s samples, in the eigenbasis of W^(1/2) K W^(1/2). O(s^3) once.

    Eigenvalues that are no more than rounding count as 0: their modes stay where they are, at t = infinity too.
    """

    def __init__(self, kernel: Array, weight: Array, rho: Array) -> None:
        root = np.sqrt(weight)
        rates, vectors = np.linalg.eigh(root[:, None] * kernel * root)
        floor = 4 * len(rates) * np.finfo(float).eps * max(float(rates[-1]), 0.0)
        start = vectors.T @ (root * rho)
        self.root, self.vectors, self.rates, self.start = read_only(
            root, vectors, np.where(rates > floor, rates, 0.0), start
        )

    def residuals(self, t: float) -> Array:
        """(s,) rho(t)."""
        t = moment(t)
        return self.vectors @ (self._decay(t) * self.start) / self.root

    def impulse(self, t: float) -> Array:
        """(s,) W int_0^t rho; in a mode that does not move it is t rho, and 0 at t = infinity, as nothing sees it."""
        t = moment(t)
        moving = self.rates > 0
        gain = np.full_like(self.rates, t if np.isfinite(t) else 0.0)
        gain[moving] = -np.expm1(-self._ages(t)[moving]) / self.rates[moving]
        return self.root * (self.vectors @ (gain * self.start))

    def loss(self, t: float) -> float:
        """1/2 rho^T W rho."""
        t = moment(t)
        return 0.5 * float(np.sum((self._decay(t) * self.start) ** 2))

    def fall(self, t: float) -> float:
        """-d loss / dt."""
        t = moment(t)
        return float(np.sum(self.rates * (self._decay(t) * self.start) ** 2))

    def degrees_of_freedom(self, t: float) -> float:
        """The trace of the matrix that takes y - f_0 to f_t - f_0 on the samples: sum_k 1 - exp(-rate_k t)."""
        t = moment(t)
        return -float(np.sum(np.expm1(-self._ages(t)))) if np.isfinite(t) else float(np.sum(self.rates > 0))

    def _ages(self, t: float) -> Array:
        """rate_k t, of which all that is large is the same; NaN for a mode that does not move, at t = infinity."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.rates * t

    def _decay(self, t: float) -> Array:
        return np.exp(-self._ages(t)) if np.isfinite(t) else np.where(self.rates > 0, 0.0, 1.0)


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Linearised:
    """A network linearised at `net`, trained on `data`: what it is at every time t >= 0, infinity included.

    f_t(x) = f_0(x) + J(x) (z(t) - z_0), with z(t) and the residuals on the distinct samples as `LazyFlow` says.

    Parameters
    ----------
    net : ReLUNet
        The start.
    data : Samples
        What it is trained on.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move.

    Raises
    ------
    InputError
        Unless these are a network and samples; each method raises it for a negative t.

    Examples
    --------
    >>> import numpy as np
    >>> import knotflow as kf
    >>> net = kf.ReLUNet([1.0, -1.0], [-1.0, -1.0], [0.5, 0.5])
    >>> path = kf.dynamics.Linearised(net, kf.Samples([0.0, 1.0], [0.0, 1.0]), train={"c"})
    >>> path([0.0, 1.0], np.inf).round(6)
    array([0., 1.])
    """

    net: ReLUNet
    data: Samples
    train: frozenset[str] = DEFAULT_TRAIN

    def __post_init__(self) -> None:
        freeze(self, data=subject(self.net, self.data), train=trained(self.train))

    def __repr__(self) -> str:
        trains = ", ".join(sorted(self.train))
        return f"Linearised({len(self.net)} neurons with {trains} trained on x in {extent(self.data.x)})"

    @derived
    def modes(self) -> Modes:
        """The flow's eigenbasis on the distinct samples."""
        points = self.data.distinct
        kernel = TangentKernel(self.net, points.x, self.train).matrix()
        return Modes(kernel, points.weight, self.net(points.x) - points.y)

    @derived
    def _arc(self) -> NDArray[np.int32]:
        return arcs_and_moments(self.net, writable(self.data.distinct.x)[0])[0]

    def __call__(self, x: ArrayLike, t: float) -> Array:
        """f_t(x), in the shape of x. O(m log(s + n) + s^2)."""
        x = numbers("x", x)
        own = self.data.distinct.x
        points = np.union1d(own, x)
        push = np.zeros_like(points)
        push[np.searchsorted(points, own)] = self.modes.impulse(t)
        moved = TangentKernel(self.net, points, self.train) @ push
        return (self.net(x) - moved[np.searchsorted(points, x)])[()]

    def net_at(self, t: float) -> ReLUNet:
        """The network with the parameters z(t)."""
        from knotflow.engine import sums  # numba, which only this needs

        net, x = self.net, writable(self.data.distinct.x)[0]
        push = self.modes.impulse(t)
        q0, q1 = np.empty(2 * x.size), np.empty(2 * x.size)
        sums.arc_sums(push, x, 1.0 / net.norm, q0, q1)
        p0, p1 = q0[self._arc], q1[self._arc]
        moves = {"a": -net.c * p1, "b": net.c * p0, "c": net.b * p0 - net.a * p1, "bias": -float(push.sum())}
        return net.replace(**{name: getattr(net, name) + moves[name] for name in sorted(self.train)})

    def residuals(self, t: float) -> Array:
        """(s,) f_t - y on the distinct samples."""
        return self.modes.residuals(t)

    def loss(self, t: float) -> float:
        """1/2 sum_j w_j (f_t(x_j) - y_j)^2, over all samples."""
        return self.modes.loss(t) + self.data.distinct.within

    def degrees_of_freedom(self, t: float) -> float:
        """The trace of the matrix that takes y - f_0 to f_t - f_0 on the distinct samples, from 0 to the rank of K."""
        return self.modes.degrees_of_freedom(t)


def moment(t: object) -> float:
    """``t`` as a time, infinity included, or InputError."""
    time = as_float(t)
    if not time >= 0:
        raise InputError(f"t is {shown(t)}: it must be a time >= 0, or infinity")
    return time


class _Jumps:
    """The closed form as a `flow_session.Integrator`, which jumps to any time."""

    def __init__(self, past: Past, train: frozenset[str]) -> None:
        self.path = Linearised(past.start, past.data, train)
        self.modes = self.path.modes
        self.time, self.steps = past.time, past.steps

    def advance(self, until: float, steps: int, flat: float) -> Reason:
        self.steps += int(self.time < until)
        self.time = max(self.time, until)
        at_rest = flat >= 0 and self.time * self.modes.fall(self.time) <= flat
        return Reason.CONVERGED if at_rest else Reason.FINISHED

    def loss(self) -> float:
        return self.modes.loss(self.time)

    def first_time(self) -> float:
        fastest = float(self.modes.rates.max())
        return 0.02 / fastest if fastest > 0 else 1.0

    def parameters(self) -> tuple[Array, Array, Array, float]:
        net = self.path.net_at(self.time)
        return net.a, net.b, net.c, net.bias

    def snapshot(self) -> Snapshot:
        return {"time": np.array(self.time)}

    def account(self) -> dict[str, Any]:
        method = "closed form in the eigenbasis of the tangent kernel at the start"
        return {"method": method, "steps": self.steps, "rejected": 0}

    def new_events(self) -> list[AnyArray]:
        return []

    def new_outcomes(self) -> list[AnyArray]:
        return []

    def outlook(self) -> Outlook:
        return Outlook(self.modes.fall(self.time), inert=not np.any(self.modes.rates))

    def trouble(self) -> str:
        return ""
