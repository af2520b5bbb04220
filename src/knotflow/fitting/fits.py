"""`fit`, the short way through the whole library, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from knotflow._checks import count, shown
from knotflow._typing import Array
from knotflow._values import FrozenMapping, derived, immutable
from knotflow.data import Samples, Scaling
from knotflow.data.frames import is_frame, is_series
from knotflow.data.samples import given
from knotflow.errors import InputError, MissingLibraryError
from knotflow.fitting.choices import Training, chosen
from knotflow.fitting.convergence import how_far
from knotflow.fitting.regimes import chosen_delta
from knotflow.fitting.start import start_network
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from knotflow.dynamics import Progress, Trajectory

__all__ = ["Fit", "fit"]

Data = Samples | str | PathLike[str] | tuple[ArrayLike, ArrayLike] | Any  # pandas' classes are not named here

_STEPS = 500_000


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Fit:
    """A trained network and where it came from; calling it evaluates the network.

    Attributes
    ----------
    net : ReLUNet
        In the units of `data`.
    data : Samples
        As they were given.
    trajectory : Trajectory
        The training, in standardised units (mean 0, standard deviation 1).
    scaling : Scaling
        Between the two.
    regime : str
        "kernel", "between" or "adaptive", or "delta=..." if another delta was asked for.
    settings : mapping
        Everything that decided the training except for the data: ``fit(data, **settings)`` repeats it bit for bit.

    Notes
    -----
    A notebook shows it as a table and a figure (`knotflow.report.card`).

    Examples
    --------
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 3], [1, 0, 2]), width=20, steps=20_000)
    >>> fit.regime, fit.summary["converged"]
    ('between', True)
    >>> fit([0.0, 1.0, 3.0]).round(3).tolist()
    [1.0, 0.0, 2.0]
    """

    net: ReLUNet
    data: Samples
    trajectory: Trajectory
    scaling: Scaling
    regime: str
    settings: Mapping[str, Any]

    def __call__(self, x: ArrayLike) -> Array:
        """The fitted function at x (any shape; dates where the data have dates), in the user's units."""
        return self.net(self.data.to_x(x))

    @derived
    def summary(self) -> dict[str, Any]:
        """The run in numbers, in the user's units: what tells functions apart, and how far the training came.

        converged      whether the excess loss (the loss above `data.distinct.within`, which no function of x
                       can remove) is gone, or fell by less than 0.1 % during the last tenth of the steps
        still_falling  by which part it fell then; nan if the run has no last tenth
        verdict        the same in a sentence

        The others are those of `knotflow.compare.summarise`. O(m log m + n log n) at first, then kept.
        """
        from knotflow.compare import summarise

        return {**summarise(self.net, self.data, self.trajectory), **how_far(self.trajectory)._asdict()}

    def plot(self, ax: Axes | None = None) -> Figure:
        """The function with its data, two splines and its knots, drawn into `ax`: `knotflow.plots.fit_plot`.

        `knotflow.plots.overview` has the neurons, the paths of the knots and the loss, too.
        """
        from knotflow import plots

        return plots.fit_plot(self, ax=ax)

    def save(self, directory: str | PathLike[str]) -> list[Path]:
        """Write report, figures, tables and the run into `directory`: `knotflow.report.save`.

        Returns the files' paths, the page first. Raises InputError if `directory` is a file or cannot be written to.
        """
        from knotflow.report.tables import save

        return save([self], directory)

    def __repr__(self) -> str:
        s = self.summary
        sizes = f"{len(self.net)} neurons, {len(self.data)} samples"
        return f"Fit({self.regime}, {sizes}, rms residual {s['rms_residual']:.4g}, {s['verdict']})"

    def _repr_html_(self) -> str | None:
        """The fit in a notebook; its `repr` is shown where the libraries of figures are not installed."""
        try:
            from knotflow.report.page import card

            return card(self)
        except MissingLibraryError:
            return None


def fit(
    data: Data,
    *,
    regime: str = "between",
    delta: float | None = None,
    width: int = 1000,
    init: str = "pytorch",
    norm: float | str | None = None,
    steps: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    train: Iterable[str] = ("a", "b", "c"),
    dynamics: str = "descent",
    batch: int | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Fit:
    """Train a ReLU network of one hidden layer on univariate data: the short way through the whole library.

    Data are standardised, a network is drawn and brought to delta, and `knotflow.evolve` trains it; the result is
    in the user's units.

    Parameters
    ----------
    data : Samples, pair (x, y), DataFrame, Series or path
        A path is that of a file, of which the first two columns count (`Samples.from_csv`), as of a DataFrame; the
        index of a Series is x. Two pairs of numbers, as in [(1, 2), (2, 3)], are refused: they may be two points as
        well as x and y.
    regime : {"between", "kernel", "adaptive"}
        delta = -1, -10 000 or 10 000 (`knotflow.fitting.REGIMES`).
    delta : float, optional
        c^2 - a^2 - b^2 of every neuron at the start, in place of a regime's.
    width : int
        Number of neurons, m.
    init : str
        "pytorch", "he", "glorot", "gaussian", "uniform" or "uniform_knots", see `knotflow.initial`.
    norm : float or str, optional
        A positive number, "1", "sqrt" (of the width, the default) or "m" (the width).
    steps : int, optional
        500 000 by default; 0 returns the network at the start.
    lr : float, optional
        Learning rate in standardised units. The default is explained below.
    seed : int
        Of the initial network and of the minibatches.
    train : iterable of str
        Which of "a", "b", "c", "bias" are trained.
    dynamics : {"descent", "sgd", "adam", "flow"}
        Gradient descent, with minibatches, Adam, or the exact gradient flow for the time ``steps * lr``, which is
        what as many steps of descent cover, to an accuracy of 1e-4 of the largest absolute y.
    batch : int, optional
        Samples in a minibatch, for "sgd" only; 16, or all, by default.
    progress : callable, optional
        Called now and then with a `Progress`: step, steps, loss, seconds, remaining, fraction.

    Returns
    -------
    Fit
        The network, the run, and how to repeat it.

    Raises
    ------
    InputError
        For an argument that is not as above.

    Notes
    -----
    O(width + s) a step at most, for s distinct x. Ctrl-C ends the training, and what was computed is returned
    (``fit.trajectory.status == "interrupted"``).

    The default learning rate is half of the stability bound 2 / lambda_max (if delta > 0 a tenth: larger steps throw
    knots across samples, and neurons die). lambda_max is the larger of the tangent kernel's largest eigenvalue at the
    start and at a network of the same delta that already has the coarse shape of the data: it grows on the way, at
    delta = 0 a hundredfold. For "sgd" that times batch / n. For "adam" it is such that a step changes f by about 0.01.

    References
    ----------
    Williams et al. (2019), sections 3 and 4: delta and the regimes.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.fit(([0, 1, 3], [1, 0, 2]), regime="kernel", width=20, steps=0).settings["delta"]
    -10000.0
    """
    from knotflow.dynamics.progress import watcher
    from knotflow.dynamics.tangent import trained

    samples, moving = _samples(data), trained(train)
    watcher(progress)
    standard, scaling = samples.standardised()
    start = start_network(standard, regime=regime, delta=delta, width=width, init=init, norm=norm, seed=seed)
    delta, label = chosen_delta(regime, delta)
    steps = count("steps", _STEPS if steps is None else steps)
    way, batch = chosen(dynamics, batch, len(samples))
    if lr is None:
        lr = way.usual_lr(start, standard, delta, moving) * (1 if batch is None else batch / len(samples))
    trajectory = way.run(start, standard, Training(steps, lr, batch, seed, moving, progress))
    settings = {
        "regime": regime,
        "delta": delta,
        "width": width,
        "init": init,
        "norm": start.norm,
        "steps": steps,
        "lr": lr,
        "seed": seed,
        "train": tuple(sorted(moving)),
        "dynamics": dynamics,
        "batch": batch,
    }
    net = trajectory.final.in_units(scaling)
    return Fit(net, samples, trajectory, scaling, label, FrozenMapping(settings))


def _samples(data: Data) -> Samples:
    if isinstance(data, str | PathLike):
        return Samples.from_csv(data)
    if isinstance(data, tuple | list) and len(data) == 2:
        pairs: Any = data
        if _could_be_points(pairs):
            (a, b), (c, d) = (tuple(shown(each) for each in pair) for pair in pairs)
            raise InputError(
                f"data is {shown(data)}: it must not leave open what is x, either x = ({a}, {b}), y = ({c}, {d}), or "
                f"the points ({a}, {b}) and ({c}, {d}); write kf.Samples(x=[{a}, {b}], y=[{c}, {d}]) or "
                f"kf.Samples(x=[{a}, {c}], y=[{b}, {d}])"
            )
        return Samples(*data)
    if isinstance(data, Samples) or is_frame(data) or is_series(data):
        return given(data)
    what = f"data is of type {type(data).__name__}"
    raise InputError(f"{what}: it must be Samples, a pair (x, y), a DataFrame, a Series or a path")


def _could_be_points(data: tuple[Any, ...] | list[Any]) -> bool:
    """Whether two pairs may be two points as well as x and y: two tuples, or a list of two lists or tuples."""
    kinds = {type(each) for each in data}
    return (kinds == {tuple} or (isinstance(data, list) and kinds <= {tuple, list})) and {len(p) for p in data} == {2}
