"""What became of an item, and how far a run of items is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knotflow_papers.reproduction.experiment import Experiment, Settings
from knotflow_papers.reproduction.verdict import Verdict


@dataclass(frozen=True)
class Outcome:
    """What became of one experiment.

    Attributes
    ----------
    experiment : Experiment
    settings : namespace
        The parameters' values.
    quick : bool
        Whether they are the reduced ones.
    verdict : Verdict
        Computed from the data; "error" if a trial or the end of the item raised an exception.
    table : tuple, optional
        Header and rows of what is printed under the picture.
    seconds : float
        Processor time of all trials, whenever they were computed.
    files : tuple of Path
        The data (NetCDF) and the picture (PNG, SVG); empty after an exception.

    Examples
    --------
    >>> from pathlib import Path
    >>> from knotflow_papers import select
    >>> figure = select(["williams2019-figure-1"])[0]
    >>> outcome = Outcome(figure, figure.settings(), False, Verdict(()), None, 1.5, (Path("a.nc"), Path("a.png")))
    >>> outcome.picture.name
    'a.png'
    """

    experiment: Experiment
    settings: Settings
    quick: bool
    verdict: Verdict
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None
    seconds: float
    files: tuple[Path, ...]

    @property
    def picture(self) -> Path | None:
        """The PNG; None after an exception."""
        return next((path for path in self.files if path.suffix == ".png"), None)


@dataclass(frozen=True)
class Step:
    """How far a run of experiments is.

    Attributes
    ----------
    done, total : int
        Units of work. 0 are done while kernels are compiled, and once more when the work begins.
    name : str
        The experiment of the last unit.

    Examples
    --------
    >>> Step(done=3, total=12, name="williams2019-figure-4")
    Step(done=3, total=12, name='williams2019-figure-4')
    """

    done: int
    total: int
    name: str
