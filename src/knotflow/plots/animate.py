"""Films of a training run: the function, the knots and the (u, v) plane in step."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from knotflow._checks import count, function, text
from knotflow._extras import needing_extras
from knotflow._files import atomic_write
from knotflow._paths import new_file
from knotflow._typing import Array
from knotflow.errors import InputError, KnotflowError
from knotflow.plots import artists, style
from knotflow.plots.dates import name_of_x
from knotflow.plots.subject import clock, moves_in_steps, trajectory_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from knotflow.dynamics import Trajectory
    from knotflow.network import ReLUNet

__all__ = ["animate"]

_PIXELS: Final = (1280, 720)  # even, as yuv420p asks
_DPI: Final = 100
_NEURONS: Final = 2000  # drawn at most
_PATHS: Final = 400


def animate(
    traj: Trajectory,
    path: str | PathLike[str],
    *,
    frames: int = 200,
    fps: int = 25,
    title: str = "",
    progress: Callable[[int, int], Any] | None = None,
) -> Path:
    """A film of a run as an MP4 file: H.264, yuv420p, 1280 x 720, which browsers play.

    Left: f with its data, its knots, the natural cubic and the linear spline; below it the knots' paths, with a line
    that moves through them. Right: the neurons in the (u, v) plane with one line per sample. The view of the plane,
    whose size is written on it, widens with the neurons. The frames are spread evenly over the saved states of the
    run, which are even in the logarithm of time by default; with fewer states than frames, each is shown several
    times.

    Parameters
    ----------
    traj : Trajectory
        The run.
    path : path
        The file to write; it must end in ``.mp4``. It appears whole or not at all.
    frames : int
        Number of pictures, at least 2.
    fps : int
        Pictures in a second, 1 to 120.
    title : str
        Over the picture.
    progress : callable, optional
        Called as ``progress(pictures done, frames)``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If `path` does not end in ``.mp4``, or `frames` or `fps` is out of its range.
    KnotflowError
        If ffmpeg fails, with its words.

    Notes
    -----
    O(m log m) and about 20 ms a frame. Of more than 2000 neurons only every second, third, ... is drawn.

    Examples
    --------
    >>> import tempfile, pathlib, knotflow as kf
    >>> run = kf.fit(([0, 1, 2], [0, 1, 0]), width=10, steps=20).trajectory
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kf.animate(run, pathlib.Path(folder) / "run.mp4", frames=2).name
    'run.mp4'
    """
    target = new_file("path", path)
    if target.suffix.lower() != ".mp4":
        raise InputError(f"path is {target}: it must end in .mp4")
    traj = trajectory_of(traj)
    frames, fps = count("frames", frames, least=2), count("fps", fps, least=1, most=120)
    moments = np.linspace(0, len(traj) - 1, frames).round().astype(int)
    if progress is not None:
        function("progress", progress, "two numbers: pictures done, frames", 2)
    scene = _Scene(traj, text("title", title))
    with atomic_write(target) as temporary, _encoder(temporary, fps) as write:
        for done, k in enumerate(moments, 1):
            write(scene.picture(int(k)))
            if progress:
                progress(done, frames)
    return target


@contextmanager
def _encoder(path: Path, fps: int) -> Iterator[Callable[[memoryview], Any]]:
    """What takes one picture after the other, as RGBA, and makes the file at the end of the block."""
    with needing_extras():
        from imageio_ffmpeg import get_ffmpeg_exe

    command = [
        get_ffmpeg_exe(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba", "-r", str(fps),
        "-s", "{}x{}".format(*_PIXELS), "-i", "-", "-an", "-c:v", "libx264", "-preset", "fast", "-crf", "20",
        "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stdin is not None
    try:
        yield process.stdin.write
        _, words = process.communicate()
        if process.returncode:
            raise KnotflowError(f"ffmpeg could not write {path.name}: {words.decode(errors='replace').strip()}")
    except BrokenPipeError:
        _, words = process.communicate()
        raise KnotflowError(f"ffmpeg stopped: {words.decode(errors='replace').strip()}") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class _Scene:
    """The figure, drawn once, and the artists on it that move."""

    def __init__(self, traj: Trajectory, title: str) -> None:
        self.traj = traj
        (self.moments,), self.clock = clock([traj])
        self.in_steps = moves_in_steps(traj)
        self.drawn = slice(None, None, -(-traj.a.shape[1] // _NEURONS))
        self.low, self.high = style.widened(*traj.data.range, 0.04)
        figure = Figure(figsize=(_PIXELS[0] / _DPI, _PIXELS[1] / _DPI), dpi=_DPI)
        self.canvas: Any = FigureCanvasAgg(figure)  # without types in matplotlib
        grid = figure.add_gridspec(
            2, 2, width_ratios=(1.16, 1), height_ratios=(1.6, 1), left=0.06, right=0.985, top=0.88, bottom=0.155,
            hspace=0.1, wspace=0.16,
        )  # fmt: skip
        self.function = style.new_axes(figure.add_subplot(grid[0, 0]))[1]
        self.paths = style.new_axes(figure.add_subplot(grid[1, 0], sharex=self.function))[1]
        self.plane = style.new_axes(figure.add_subplot(grid[:, 1]))[1]
        figure.text(0.06, 0.95, style.plain(title), fontsize=style.FONT + 3, color=style.INK, va="center")
        self.moving: list[tuple[Axes | Figure, Artist]] = []
        self._dress_function()
        self._dress_paths()
        self._dress_plane()
        self.words = figure.text(0.985, 0.95, "", fontsize=style.FONT + 1.5, color=style.INK, ha="right", va="center")
        self.moving.append((figure, self.words))
        _legend(figure)
        for _, artist in self.moving:
            artist.set_animated(True)
        self.canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
        self.still = self.canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]  # the same

    def picture(self, k: int) -> memoryview:
        """The picture of the k-th save, as RGBA."""
        net = self.traj.net_at(k)
        self._move(net, k)
        self.canvas.restore_region(self.still)
        for owner, artist in self.moving:
            owner.draw_artist(artist)
        pixels: memoryview = self.canvas.buffer_rgba()
        return pixels

    def _move(self, net: ReLUNet, k: int) -> None:
        x = artists.nodes(net, self.low, self.high)
        self.line.set_data(x, net(x))
        knots = net.knots[self.drawn]
        seen = np.isfinite(knots) & (knots >= self.low) & (knots <= self.high)
        colours = style.sign_colours(net.c[self.drawn])
        self.knots.set_offsets(np.column_stack([knots[seen], net(knots[seen])]))
        self.knots.set_facecolor(list(colours[seen]))
        view = net.canonical()
        reach = self.reach[k] or 1.0
        self.neurons.set_offsets(np.column_stack([view.u, view.v])[self.drawn] / reach)
        self.scale.set_text(f"view: |u|, |v| ≤ {reach:.3g}")
        self.neurons.set_facecolor(list(colours))
        now = self.moments[k]
        self.now.set_ydata([now, now])
        shown = f"step {now:,}" if self.in_steps else f"time {now:.3g}"
        self.words.set_text(f"{shown}     loss {self.traj.loss[k]:.3g}")

    def _dress_function(self) -> None:
        ax, data = self.function, self.traj.data
        cubic = artists.splines(ax, data, widths=(1.6, 1.3))
        artists.samples(ax, data, largest=40)
        (self.line,) = ax.plot([], [], color=style.NETWORK, lw=2.0)
        self.knots = ax.scatter([], [], s=_dot(self._count()), lw=0, alpha=0.8)
        self.moving += [(ax, self.line), (ax, self.knots)]
        ax.set_xlim(self.low, self.high)
        ax.set_ylim(*self._heights(cubic))
        ax.tick_params(labelbottom=False)
        style.label_axes(ax, "", style.plain(data.y_name))

    def _heights(self, cubic: Array) -> tuple[float, float]:
        """The vertical view: data, spline and the networks, but not where they go far beyond the data."""
        y = self.traj.data.y
        x = np.linspace(*self.traj.data.range, 200)
        networks = [self.traj.net_at(k)(x) for k in range(0, len(self.traj), max(len(self.traj) // 20, 1))]
        everything = np.concatenate([cubic, *networks, self.traj.final(x)])
        room = 0.45 * (y.max() - y.min()) or 1.0
        low, high = y.min() - room, y.max() + room
        return style.widened(
            float(min(y.min(), max(everything.min(), low))), float(max(y.max(), min(everything.max(), high))), 0.06
        )

    def _dress_paths(self) -> None:
        ax = self.paths
        neurons = np.arange(self.traj.a.shape[1])[:: -(-self.traj.a.shape[1] // _PATHS)]
        knots = self.traj.knots[:, neurons]
        facing = np.sign(self.traj.a[:, neurons])
        with np.errstate(invalid="ignore"):
            hidden = ~np.isfinite(knots) | (np.abs(knots - np.mean(self.traj.data.range)) > 2 * self.traj.data.span)
        hidden[1:] |= facing[1:] != facing[:-1]  # it went through infinity
        lines = np.dstack(np.broadcast_arrays(np.where(hidden, np.nan, knots), self.moments[:, None])).swapaxes(0, 1)
        ax.add_collection(
            LineCollection(
                list(lines),
                colors=list(style.sign_colours(self.traj.c[-1, neurons])),
                alpha=float(np.clip(80 / len(neurons), 0.25, 0.9)),
                lw=float(np.clip(120 / len(neurons), 0.6, 1.4)),
            ),
            autolim=False,
        )
        if len(self.traj.data.distinct.x) <= 30:
            for x in self.traj.data.distinct.x:
                ax.axvline(x, color=style.FAINT, lw=0.8, zorder=0.5)
        style.time_axis(ax, self.moments, upwards=True)
        self.now = ax.axhline(0, color=style.NETWORK, lw=1.2)
        self.moving.append((ax, self.now))
        style.label_axes(ax, name_of_x(ax.xaxis, self.traj.data), self.clock.replace(" of the gradient flow", ""))

    def _dress_plane(self) -> None:
        ax, x = self.plane, self.traj.data.distinct.x
        self.reach = self._reach()
        ax.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xticks=[], yticks=[])
        artists.rays(ax, x, 2.0, zorder=1)  # lines through the origin look the same at every scale
        self.neurons = ax.scatter([], [], s=_dot(self._count()), lw=0, alpha=0.75)
        self.scale = ax.text(1.0, 1.01, "", transform=ax.transAxes, ha="right", va="bottom", fontsize=style.FONT)
        self.scale.set_color(style.INK)
        self.moving += [(ax, self.neurons), (ax, self.scale)]
        style.label_axes(ax, r"$u = |r|\,\cos\theta$", r"$v = |r|\,\sin\theta$")

    def _reach(self) -> Array:
        """Half the view at each save: nearly all neurons, now and before."""
        m, norm = self.traj.a.shape[1], self.traj.norm
        length = m / norm * np.abs(self.traj.c)  # |u| = length |a|, |v| = length |b|
        far = np.quantile(length * np.maximum(np.abs(self.traj.a), np.abs(self.traj.b)), 0.98, axis=1)
        return np.maximum.accumulate(1.1 * far)

    def _count(self) -> int:
        return min(int(self.traj.a.shape[1]), _NEURONS)


def _dot(count: int) -> float:
    return float(np.clip(5000 / count, 7, 36))


def _legend(figure: Figure) -> None:
    handles = [
        style.line(style.NETWORK, "network", 2.0),
        style.line(style.CUBIC, "natural cubic spline"),
        style.line(style.LINEAR, "linear interpolant"),
        style.dot(style.DATA, "sample"),
        style.dot(style.POSITIVE, "neuron and its knot, $r > 0$"),
        style.dot(style.NEGATIVE, "neuron and its knot, $r < 0$"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=6, fontsize=style.FONT, frameon=False,
                  labelcolor=style.INK, handlelength=1.6, columnspacing=2.0)  # fmt: skip
