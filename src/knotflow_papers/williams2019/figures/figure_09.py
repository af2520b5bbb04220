"""Figure 9: the field that a particle feels, its attractors and repulsors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import Array, network, square_wave, stored

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "delta": printed(np.inf, "appendix D.1"),
    "samples": chosen(10, "of the square wave, as in Figure 6"),
    "m": chosen(300, "the paper does not say"),
    "until": chosen(6e3, "time of the exact flow: clusters are there, residuals are still large"),
    "problems": chosen(400, "random residuals on which the rule for attractors is tested", quick=60),
    "seed": chosen(4, "one network is shown"),
}
ROLES = ("attractor", "repulsor", "pass", "border")


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"part": "network"}, {"part": "rule"}]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    return _network(p) if trial["part"] == "network" else _rule(p)


def _network(p: Settings) -> dict[str, Any]:
    data, rng = square_wave(p.samples), np.random.default_rng([9, p.seed])
    start = kf.initial.pytorch(p.m, rng, norm=np.sqrt(p.m)).replace(bias=0.0)
    net = kf.evolve(start, data, kf.GradientFlow(train=frozenset("ab")), until=p.until, save_at=[]).final
    rho = net(data.x) - data.y
    places = [(k, right) for right in (True, False) for k in range(p.samples)]
    role = [[ROLES.index(sample_role(data.x, rho, k, right, sign)) for k, right in places] for sign in (1, -1)]
    near = np.abs(net.knots[:, None] - data.x) < 1e-3 * data.span
    at = near.argmax(1) + np.where(net.a > 0, 0, p.samples)
    held = near.any(1)
    roles = np.array(role)[np.where(net.c > 0, 0, 1), at]
    return {
        **stored(net),
        "residual": ("sample", rho),
        "role": (("sign", "ray"), np.array(role, dtype=float)),
        "on_attractor": int(np.sum(held & (roles == 0))),
        "on_repulsor": int(np.sum(held & (roles == 1))),
        "on_ray": int(np.sum(held)),
        "on_border": int(np.sum(held & (roles == 3))),
    }


def sample_role(x: Array, rho: Array, k: int, right: bool, sign: int) -> str:
    """What sample k is for a neuron with this sign of r that faces right or left; Lemma 2, corrected.

    With S the samples on the inactive side and sigma = rho_k sum_S rho_i (1 + x_i x_k), the angular velocity changes
    its sign across the ray iff -rho_k^2 (1 + x_k^2) < sigma < 0; it is an attractor iff sign * rho_k > 0.
    """
    others = np.arange(k + 1, len(x)) if right else np.arange(k)
    if not len(others):
        return "border"
    sigma = rho[k] * np.sum(rho[others] * (1 + x[others] * x[k]))
    if -(rho[k] ** 2) * (1 + x[k] ** 2) < sigma < 0:
        return "attractor" if sign * rho[k] > 0 else "repulsor"
    return "pass"


def _printed_lemma(x: Array, rho: Array, k: int) -> bool:
    """Lemma 2 as printed: whether sample k is an attractor or a repulsor."""
    least = -(rho[k] ** 2) * (1 + x[k] ** 2)
    return any(rho[k] * np.sum(rho[part] * (1 + x[part] * x[k])) > least for part in (slice(0, k), slice(k + 1, None)))


def _rule(p: Settings) -> dict[str, Any]:
    """The rule, corrected and printed, against the gradient that a probe on either side of a ray feels."""
    rng, wrong, tried, fires, neither = np.random.default_rng([9, p.seed, 1]), 0, 0, 0, 0
    for _ in range(p.problems):
        x = np.sort(rng.uniform(-2, 2, 6))
        rho = rng.standard_normal(6) * rng.choice([0.2, 1.0, 3.0], 6)
        for k in range(6):
            felt = {(right, sign): _felt(x, rho, k, right, sign) for right in (True, False) for sign in (1, -1)}
            for (right, sign), role in felt.items():
                rule = sample_role(x, rho, k, right, sign)
                tried += rule != "border"
                wrong += rule not in ("border", role)
            if 0 < k < 5 and set(felt.values()) == {"pass"}:
                neither += 1
                fires += _printed_lemma(x, rho, k)
    return {"tried": tried, "wrong": wrong, "neither": neither, "fires": fires}


def _felt(x: Array, rho: Array, k: int, right: bool, sign: int) -> str:
    """What a ray does to a probe, by the sign of its angular velocity a little to both sides."""
    ray = -np.arctan(x[k]) + (0.0 if right else np.pi)
    theta = ray + np.array([-1e-7, 1e-7])
    data = kf.Samples(x, np.zeros_like(x))
    turns = [_turn(data, rho, angle, sign) for angle in theta]
    if turns[0] * turns[1] > 0:
        return "pass"
    return "attractor" if turns[0] > 0 else "repulsor"


def _turn(data: kf.Samples, rho: Array, theta: float, sign: int) -> float:
    """The angular velocity of one neuron under the gradient of the loss whose residuals are rho."""
    probe = kf.ReLUNet([np.cos(theta)], [-np.sin(theta)], [float(sign)])
    gradient = kf.gradient(probe, kf.Samples(data.x, probe(data.x) - rho))
    return float(np.sin(theta) * gradient.a[0] + np.cos(theta) * gradient.b[0])


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    net, rule = data.sel(part="network"), data.sel(part="rule")
    return [
        Check.below("cases in which the corrected rule and a probe disagree", float(rule.wrong), 1),
        Check.above("knots held at samples", float(net.on_ray), 0.2 * p.m),
        Check.above("of these, at attractors or at the border of the data",
                    float((net.on_attractor + net.on_border) / net.on_ray), 0.95),
        Check.below("of these, at repulsors", float(net.on_repulsor / net.on_ray), 0.05),
        Check.below("share of the samples that are neither on which Lemma 2, as printed, fires",
                    float(rule.fires / rule.neither), 0.05, printed=True),
    ]  # fmt: skip


def draw(p: Settings, data: xr.Dataset) -> Figure:
    samples, one = square_wave(p.samples), data.sel(part="network")
    net = network(one)
    figure, axes = panels.grid(2, 2, panel=(5.0, 4.1))
    for ax, row, sign in zip(axes[0], (0, 1), (1, -1), strict=True):
        _field(ax, samples.x, one.residual.values, one.role.values[row], sign)
        panels.title(ax, f"what a particle with $r {'>' if sign > 0 else '<'} 0$ feels")
    panels.splines(axes[1, 0], samples)
    panels.samples(axes[1, 0], samples)
    panels.function(axes[1, 0], net, style.widened(*samples.range, 0.04))
    style.label_axes(axes[1, 0], "$x$", "$f(x)$")
    panels.title(axes[1, 0], f"the network at this moment, m = {p.m}")
    panels.plane(axes[1, 1], net, samples)
    panels.title(axes[1, 1], "its neurons")
    panels.legend(figure, [style.line(style.INK, "attractor", 2.8),
                           panels.dashed(style.INK, "repulsor", (0, (2, 1)), 2.8),
                           style.line(style.FAINT, "passed, or border"), panels.NETWORK_LINE, panels.CUBIC_LINE,
                           panels.LINEAR_LINE, panels.DATA_DOT, panels.UP_DOT, panels.DOWN_DOT], 5)  # fmt: skip
    return figure


def _field(ax: Axes, x: Array, rho: Array, roles: Array, sign: int) -> None:
    """Arrows along (u, v)' = -sign g, of one length, and the samples' rays by what they are."""
    count = len(x)
    for ray, role in enumerate(roles.astype(int)):
        k, right = ray % count, ray < count
        angle = -np.arctan(x[k]) + (0.0 if right else np.pi)
        pen: dict[int, dict[str, Any]] = {
            0: {"color": style.INK, "lw": 2.8},
            1: {"color": style.INK, "lw": 2.8, "ls": (0, (2, 1))},
        }
        ax.plot(
            [0, 2 * np.cos(angle)], [0, 2 * np.sin(angle)], zorder=2, **pen.get(role, {"color": style.FAINT, "lw": 0.9})
        )
    side = np.linspace(-0.95, 0.95, 20)
    u, v = (grid.ravel() for grid in np.meshgrid(side, side))
    active = np.outer(u, x) + v[:, None] > 0
    g = np.stack([active @ (rho * x), active @ rho])
    speed = np.hypot(*g)
    moving = speed > 1e-12
    arrow = -sign * g[:, moving] / speed[moving]
    ax.quiver(u[moving], v[moving], *arrow, color=style.POSITIVE if sign > 0 else style.NEGATIVE, alpha=0.75,
              scale=26, width=0.0042, headwidth=4, zorder=3, pivot="mid")  # fmt: skip
    ax.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    style.label_axes(ax, "$u$", "$v$")


EXPERIMENT = experiment(
    __name__,
    item="Figure 9",
    title="the field in the (u, v) plane",
    claim="The field that a particle feels at δ = +∞ changes its direction at samples, which thereby become "
    "attractors, where neurons gather, or repulsors.",
    where="Appendix D.1 and Figure 9 on arXiv; Lemma 2",
    note="On one ray the two signs of r see opposite roles, and a sample's two rays, one per facing, are two cases. "
    "Lemma 2 as printed lacks a bound and the sign: it also fires on most of the samples that are neither. At δ = +∞ "
    "the field in the plane is −(sign r) g, constant between rays; arrows show its direction.",
)
