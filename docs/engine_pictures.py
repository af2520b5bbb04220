"""The four pictures of docs/engine.md, drawn from the engine itself.

.venv/bin/python docs/engine_pictures.py        # writes docs/engine-*.png
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle, Wedge

import knotflow as kf
from knotflow.engine import arcs, codes, descent, flow
from knotflow.engine.descent import inspection
from knotflow.engine.descent import state as descent_state
from knotflow.engine.flow.radau import NODES
from knotflow.engine.simd import LANES
from knotflow.plots import style

HERE = Path(__file__).parent
RIGHT, LEFT, DEAD = "#e6b8a2", "#a9c9e0", "#e4e4e4"  # arcs that face right, that face left, and the dead one


def arcs_on_the_circle() -> Figure:
    """Left: directions (a, -b) and the 2s arcs that the samples cut them into. Right: who is active where."""
    x = np.array([-1.0, -0.3, 0.2, 0.6, 1.4])
    s = x.size
    figure = Figure(figsize=(11, 5.2), dpi=110, layout=style.layout())
    circle, table = figure.subplots(1, 2, width_ratios=[1, 1.05])
    borders = np.array([border_angle(k, x) for k in range(2 * s)])
    for g in range(2 * s):
        start, end = borders[g - 1], borders[g]
        end += 360.0 * (end < start)
        colour = DEAD if g == 0 else RIGHT if g <= s else LEFT
        circle.add_patch(Wedge((0, 0), 1.0, start, end, width=0.22, facecolor=colour, edgecolor="white", linewidth=1.5))
        middle = np.deg2rad((start + end) / 2)
        circle.text(0.89 * np.cos(middle), 0.89 * np.sin(middle), f"{g}", ha="center", va="center", fontsize=11)
    for k in range(2 * s):
        direction = np.array([np.cos(np.deg2rad(borders[k])), np.sin(np.deg2rad(borders[k]))])
        circle.plot(*np.outer(direction, [0, 0.78]), color=style.FAINT, lw=1)
        j = arcs.border_sample(k, s)
        circle.text(*(1.14 * direction), f"$x_{j}$", ha="center", va="center", fontsize=11, color=style.INK)
    circle.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", xticks=[], yticks=[])
    circle.set_xlabel("a", fontsize=11)
    circle.set_ylabel("−b", fontsize=11, rotation=0)
    circle.spines[:].set_visible(False)
    circle.set_title("Directions of a neuron: s samples cut them into 2s arcs", fontsize=11)
    fill_table(table, x)
    return figure


def border_angle(k: int, x: np.ndarray) -> float:
    """The direction (a, -b), in degrees, on border k: a x_j = b, right-facing for k < s."""
    a = 1.0 if k < x.size else -1.0
    return float(np.rad2deg(np.arctan2(-a * x[arcs.border_sample(k, x.size)], a)) % 360.0)


def fill_table(ax: Axes, x: np.ndarray) -> None:
    """A dot where the neurons of an arc are active at a sample, found by `find_arc` for neurons all around."""
    s = x.size
    angles = np.linspace(0, 2 * np.pi, 3600, endpoint=False)
    around = [(np.cos(angle), -np.sin(angle)) for angle in angles]
    active = {(arcs.find_arc(a, b, x), int(j)) for a, b in around for j in np.flatnonzero(a * x - b > 0)}
    for g, j in active:
        ax.plot(j, g, "o", ms=13, color=RIGHT if g <= s else LEFT, mec="none")
    ax.set(xlim=(-0.6, s - 0.4), ylim=(2 * s - 0.4, -0.6), yticks=range(2 * s), xticks=range(s))
    ax.set_xticklabels([f"$x_{j}$" for j in range(s)], fontsize=11)
    ax.set_ylabel("arc", fontsize=11)
    ax.set_title("Samples at which the neurons of an arc are active", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)


def buckets_and_lanes() -> Figure:
    """The boundary neurons of a run, as they are stored: a bucket is a lane of a group, a neuron is a place in it."""
    state, problem = descent_under_way(m=150, s=7, steps=400)
    buckets, lanes, s = state.buckets, state.lanes, problem.x.size
    groups = int(np.count_nonzero(lanes.depth))
    figure = Figure(figsize=(11, 4.6), dpi=110, layout=style.layout())
    ax = figure.add_subplot()
    deepest = int(lanes.depth[:groups].max())
    for border in range(2 * s):
        lane = int(buckets.lane[border])
        if lane // LANES >= groups:
            continue
        x = lane + 0.6 * (lane // LANES)
        colour = RIGHT if border < s else LEFT
        for level in range(int(lanes.depth[lane // LANES])):
            here = lanes.offset[lane // LANES] + level
            taken = bool(lanes.mask[here] >> (lane % LANES) & 1)
            ax.add_patch(Rectangle((x, level), 0.92, 0.9, facecolor=colour if taken else "none", edgecolor=style.FAINT))
            if taken:
                number = int(lanes.ids[here * LANES + lane % LANES])
                ax.text(x + 0.46, level + 0.45, f"{number}", ha="center", va="center", fontsize=8)
        ax.text(x + 0.46, -0.35, f"$x_{arcs.border_sample(border, s)}$", ha="center", va="center", fontsize=10)
    for group in range(groups):
        left = group * (LANES + 0.6)
        ax.text(left + LANES / 2, -1.25, f"group {group}", ha="center", va="center", fontsize=10, color=style.INK)
    ax.set(xlim=(-0.3, groups * (LANES + 0.6)), ylim=(deepest + 0.3, -1.8), yticks=np.arange(deepest) + 0.45, xticks=[])
    ax.set_yticklabels([f"level {k}" for k in range(deepest)], fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(
        "Boundary neurons by number: a column is the bucket of one border, four are stepped at once", fontsize=11
    )
    return figure


def interior_block() -> Figure:
    """Neurons in the plane of directions: interior ones are farther than the skin from both borders of their arc."""
    state, problem = descent_under_way(m=4000, s=5, steps=3000)
    found, x = inspection.describe(state, problem), problem.x
    u, v, inside = found["a"], -found["b"], found["interior"]
    figure = Figure(figsize=(8, 7.6), dpi=110, layout=style.layout())
    ax = figure.add_subplot()
    reach = float(np.quantile(np.hypot(u, v), 0.97))
    for j, sample in enumerate(x):  # a x_j = b: u x_j + v = 0
        direction = np.array([1.0, -sample]) / np.hypot(1.0, sample)
        ax.plot(*np.outer(direction, [-2 * reach, 2 * reach]), color=style.DATA, lw=1)
        end = direction * reach / max(abs(direction)) * 0.97
        ax.annotate(f"$x_{j}$", end, fontsize=11, color=style.INK, ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip
    for label, which, colour in (("interior", inside, style.NEGATIVE), ("boundary", found["boundary"], style.POSITIVE)):
        ax.plot(
            u[which],
            v[which],
            ".",
            ms=4,
            mew=0,
            color=colour,
            label=f"{label}: {style.plural(int(which.sum()), 'neuron')}",
        )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xlabel("a", fontsize=11)
    ax.set_ylabel("−b", fontsize=11, rotation=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=10, loc="upper left", bbox_to_anchor=(0, 1.1), ncols=2, markerscale=2)
    return figure


def descent_under_way(m: int, s: int, steps: int) -> tuple[descent_state.State, descent_state.Problem]:
    """The engine's state after some steps of descent on a lopsided problem."""
    data = samples(s)
    net = kf.initial.gaussian(m, np.random.default_rng(1), norm=m**0.5)
    points = data.distinct
    nothing = descent.Batch(np.empty(0, np.int64), np.empty(0), np.empty(0))
    lr = 0.4 * kf.stability_limit(net, data)
    x, y, weight = points.x.copy(), points.y.copy(), points.weight.copy()
    problem = descent.problem(x, y, weight, net.norm, lr, frozenset("abc"), 0.0, nothing)
    state = descent.start(net.a, net.b, net.c, net.bias, problem)
    assert isinstance(state, descent_state.State)  # not that of a small problem
    none = np.empty(0, np.int64)
    descent.run(state, problem, steps, -np.inf, np.inf, none, none)
    return state, problem


def samples(s: int) -> kf.Samples:
    """A lopsided square wave."""
    x = np.linspace(-1.2, 1.6, s) + 0.1 * np.cos(np.arange(1, s + 1))
    return kf.Samples(x, np.sign(np.sin(4 * x + 0.4)) + 0.3 * x)


def flow_step() -> Figure:
    """One step of the exact flow in which a knot crosses a sample and others slide along one."""
    data = samples(6)
    net = kf.initial.gaussian(60, np.random.default_rng(2), norm=60**0.5).with_delta(1.0)
    start, end = step_with_events(net, data)
    times = np.linspace(start - 0.25 * (end - start), end + 0.25 * (end - start), 400)
    run = kf.evolve(net, data, kf.GradientFlow(1e-10), until=float(times[-1]), save_at=times)
    here = run.events[(run.events["time"] > start) & (run.events["time"] <= end)]
    figure = Figure(figsize=(10, 6), dpi=110, layout=style.layout())
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.5, 1])
    for event in here:
        i, j, word = int(event["neuron"]), int(event["sample"]), WORDS[str(event["kind"])]
        offset = run.knots[1:, i] - data.distinct.x[j]  # the first save is the start of the run
        (line,) = above.plot(run.times[1:], offset / np.abs(offset).max(), lw=1.8, label=f"neuron {i} {word} $x_{j}$")
        above.plot(event["time"], 0, "o", ms=8, color=line.get_color())
    above.axhline(0, color=style.DATA, lw=1)
    points = data.distinct
    residuals = np.array([run.net_at(k)(points.x) - points.y for k in range(1, len(run))])
    for j in range(len(points.x)):
        below.plot(run.times[1:], residuals[:, j] - residuals[0, j], lw=1.4, label=f"$r_{j}$")
    for ax in (above, below):
        for node in NODES:
            ax.axvline(start + node * (end - start), color=style.INK, lw=0.8, ls=":")
        ax.axvspan(start, end, color=style.FAINT, alpha=0.25, lw=0)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_xlim(times[0], times[-1])
    above.set_ylabel("knot − sample\n(1 = the most shown)", fontsize=11)
    below.set_ylabel("residuals\n(change)", fontsize=11)
    below.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    below.set_xlabel("time; shaded: one step, dotted: the nodes at which its residuals are the unknowns", fontsize=11)
    above.legend(frameon=False, fontsize=10, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)
    return figure


WORDS = {"cross": "crosses", "stick": "slides along", "release": "is released from", "flip": "turns round at"}


def step_with_events(net: kf.ReLUNet, data: kf.Samples) -> tuple[float, float]:
    """Start and end of the step with the most kinds of events among the first hundred."""
    points = data.distinct
    x, y, weight = points.x.copy(), points.y.copy(), points.weight.copy()
    problem = flow.problem(x, y, weight, net.norm, frozenset("abc"), 1e-2, 1.0)
    run, work = flow.start(net.a.copy(), net.b.copy(), net.c.copy(), net.bias, x)
    log = np.zeros(4096), np.zeros((4096, 3), np.int64)
    flow.enter(run, problem, work, *log)
    steps = []
    for _ in range(100):
        began, seen = float(run.real[flow.TIME]), int(run.counts[flow.EVENTS])
        flow.advance(run, problem, 1e6, 1, -1.0, work, *log)
        kinds = {codes.KINDS[k] for k in log[1][seen : int(run.counts[flow.EVENTS]), 2]}
        steps.append((len(kinds), began, float(run.real[flow.TIME])))
    _, began, ended = max(steps, key=lambda step: step[0])
    return began, ended


PICTURES = {
    "arcs": arcs_on_the_circle,
    "buckets": buckets_and_lanes,
    "interior": interior_block,
    "flow-step": flow_step,
}


def main() -> None:
    """Draw them."""
    for name, draw in PICTURES.items():
        draw().savefig(HERE / f"engine-{name}.png")


if __name__ == "__main__":
    main()
