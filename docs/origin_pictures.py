"""The picture of docs/origin.md: a neuron that slides into a = b = 0, and where descent takes it.

.venv/bin/python docs/origin_pictures.py        # writes docs/origin.png
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import knotflow as kf
from knotflow.plots import style

DATA = kf.Samples([-1.0, -0.6, -0.1, 0.4, 1.0], [0.2, 0.9, -0.4, 0.4, -0.7])
NET = kf.ReLUNet([0.08, 0.63, 0.1, 0.34], [-0.008, -0.063, 0.042, -0.034], [0.9, -0.39, 0.13, 0.25])
DEAD, TURNS = style.POSITIVE, style.NEGATIVE


class Event:
    """The first undecided event of the run, and a step of descent near a = b = 0 in units of the step."""

    def __init__(self) -> None:
        self.run = kf.evolve(NET, DATA, kf.GradientFlow(1e-10), until=0.3, save_at=[])
        self.ways = self.run.outcomes
        event = self.run.events[self.run.events["probability"] < 1.0][0]
        self.neuron, self.time = int(event["neuron"]), float(event["time"])
        near = self.run.net_at_time(self.time)
        x = DATA.distinct.x
        self.x, self.sample = x, float(x[event["sample"]])
        self.pull = near.c[self.neuron] * (near(x) - DATA.distinct.y)
        before = self.run.net_at_time(self.time - 1e-4)
        self.ray = np.sign(before.a[self.neuron]) * np.array([1.0, self.sample]) / np.hypot(1.0, self.sample)

    def move(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What a step of 1 adds to (a, b)."""
        active = np.multiply.outer(a, self.x) > b[..., None]
        return -(active @ (self.pull * self.x)), active @ self.pull

    def band(self) -> tuple[float, float, float, float]:
        """(u, w, tilt, gain), see docs/origin.md."""
        across = np.array([self.sample, -1.0]) / (1.0 + self.sample**2)
        sides = [np.stack(self.move(*(1e3 * self.ray + e * across)[:, None]))[:, 0] for e in (-1.0, 1.0)]
        u, minus_w = (side[0] * self.sample - side[1] for side in sides)
        out, back = (side @ self.ray for side in sides)
        return u, -minus_w, (out - back) / (u - minus_w), (out * -minus_w + back * u) / (u - minus_w)

    def place(self, h: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(a, b) from h and the level."""
        along, across = level + self.band()[2] * h, h / (1.0 + self.sample**2)
        return along * self.ray[0] + across * self.sample, along * self.ray[1] - across


def walks(ax: Axes, event: Event) -> None:
    """Two walks in steps of 1 that differ by their phase."""
    u, w, _, gain = event.band()
    reach = 11.0 * abs(gain)
    for colour, word in ((DEAD, "is dead in the end"), (TURNS, "turns")):
        for phase in np.linspace(0.4, 1, 60):
            a, b = (np.atleast_1d(v) for v in event.place(np.array(phase * (u + w) - w), np.array(9.0 * abs(gain))))
            path = []
            for _ in range(40):
                path.append((a[0], -b[0]))
                da, db = event.move(a, b)
                a, b = a + da, b + db
            if (da[0] == 0.0) == (colour == DEAD):
                break
        ax.plot(*np.array(path).T, "o-", color=colour, ms=4, lw=1.2, label=word)
    for x in event.x:
        direction = np.array([1.0, -x]) / np.hypot(1.0, x)
        ax.plot(*np.outer(direction, [-3 * reach, 3 * reach]), color=style.FAINT, lw=1, zorder=0)
    ray = event.ray * [1, -1]
    ax.plot(*np.outer(ray, [0, 3 * reach]), color=style.INK, lw=1.6, zorder=1)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xlabel("a, in units of the step", fontsize=11)
    ax.set_ylabel("−b, in units of the step", fontsize=11)
    ax.legend(frameon=False, fontsize=10, loc="lower left")
    ax.set_title("Two walks along the thick ray", fontsize=11)


def phases(ax: Axes, event: Event) -> None:
    """The set of phases, each coloured by where its walk goes."""
    u, w, _, gain = event.band()
    side = np.linspace(0, 1, 421)
    side = (side[1:] + side[:-1]) / 2
    turn, fall = np.meshgrid(side, side)
    a, b = event.place(-w + (u + w) * turn, abs(gain) * (30.0 + fall))
    for _ in range(400):
        da, db = event.move(a, b)
        a, b = a + da, b + db
    alive = np.any(np.multiply.outer(a, event.x) > b[..., None], axis=-1)
    colours = ListedColormap([DEAD, TURNS])
    ax.imshow(alive, origin="lower", extent=(0, 1, 0, 1), cmap=colours, vmin=0, vmax=1, alpha=0.75, aspect="equal")
    ax.set_xlabel("place of h in the band", fontsize=11)
    ax.set_ylabel("level, as a share of its fall in a step", fontsize=11)
    dead = event.ways["probability"][event.ways["kind"] == "rest"][0]
    ax.set_title(f"All phases: dead {dead:.1%}, turns {1 - dead:.1%}", fontsize=11)


def shares(ax: Axes, event: Event) -> None:
    """Descent with many step lengths: which of them end dead, and the share so far."""
    begin = event.time - 0.05
    start = kf.evolve(NET, DATA, kf.GradientFlow(1e-10), until=begin, save_at=[]).final
    inverse, dead = np.linspace(2e4, 4e4, 300), []
    for each in inverse:
        steps = round(0.07 * each)
        end = kf.evolve(start, DATA, kf.GradientDescent(0.07 / steps), steps=steps, save_at=[]).final
        dead.append(not np.any(end.a[event.neuron] * event.x > end.b[event.neuron]))
    died = np.array(dead)
    for which, colour, height in ((died, DEAD, 1.06), (~died, TURNS, -0.06)):
        ax.plot(inverse[which], np.full(which.sum(), height), "|", ms=9, color=colour)
    ax.plot(inverse, np.cumsum(died) / np.arange(1, died.size + 1), color=style.INK, lw=1.6, label="descents so far")
    probability = event.ways["probability"][event.ways["kind"] == "rest"][0]
    ax.axhline(probability, color=DEAD, lw=1.4, ls="--", label="probability")
    ax.set(ylim=(-0.14, 1.14), xlim=(inverse[0], inverse[-1]))
    ax.set_xticks([2e4, 3e4, 4e4], ["20,000", "30,000", "40,000"])
    ax.set_xlabel("1 / lr", fontsize=11)
    ax.set_ylabel("share that is dead in the end", fontsize=11)
    ax.legend(frameon=False, fontsize=10, loc="lower right", bbox_to_anchor=(1, 0.08))
    ax.set_title("Each mark: descent with one step length", fontsize=11)


def main() -> None:
    """Draw it."""
    event = Event()
    figure = Figure(figsize=(13.5, 4.7), dpi=110, layout=style.layout())
    for ax, draw in zip(figure.subplots(1, 3), (walks, phases, shares), strict=True):
        draw(ax, event)
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(Path(__file__).with_name("origin.png"))


if __name__ == "__main__":
    main()
