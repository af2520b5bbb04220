"""The starts there are, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from knotflow._values import FrozenMapping, immutable
from knotflow.initial import adapted, drawn, placed
from knotflow.laws import drawn as laws
from knotflow.laws.drawn import Law
from knotflow.network.relunet import ReLUNet

__all__ = ["INITIALISERS", "Initialiser"]


@dataclass(frozen=True)
@immutable
class Initialiser:
    """One way to start.

    Attributes
    ----------
    name : str
        That of the function in `kf.initial`.
    start : callable
        Makes the network: `start(m, rng, norm=...)` if there is a `law`, else see `summary`.
    law : callable or None
        `law(m)` is the law of the parameters; None where the knots are placed.
    summary : str
        One line.
    citation : str
        Where it comes from.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.initial.INITIALISERS["he"].citation
    'He et al. 2015'
    """

    name: str
    start: Callable[..., ReLUNet]
    law: Callable[..., Law] | None
    summary: str
    citation: str


_ALL = (
    Initialiser(
        "pytorch",
        drawn.pytorch,
        laws.pytorch,
        "the default of torch.nn.Linear",
        "PyTorch; Sahs et al. 2022, 2.2",
    ),
    Initialiser("he", drawn.he, laws.he, "Gaussian, a ~ N(0, 2), c ~ N(0, 2/m)", "He et al. 2015"),
    Initialiser("glorot", drawn.glorot, laws.glorot, "Gaussian, a, c ~ N(0, 2/(m+1))", "Glorot & Bengio 2010"),
    Initialiser(
        "gaussian",
        drawn.gaussian,
        laws.gaussian,
        "Gaussian with given deviations",
        "Sahs et al. 2022, corollary 1",
    ),
    Initialiser("uniform", drawn.uniform, laws.uniform, "uniform with given bounds", "Sahs et al. 2022, corollary 1"),
    Initialiser(
        "uniform_knots",
        placed.uniform_knots,
        None,
        "knots spread evenly over the data or an interval (lo, hi), c = 0",
        "Sahs et al. 2022, appendix A.4",
    ),
    Initialiser(
        "spiky",
        placed.spiky,
        None,
        "the piecewise linear function through points",
        "Sahs et al. 2022, appendix A.2",
    ),
    Initialiser(
        "curvature_knots",
        adapted.curvature_knots,
        None,
        "knots where the curvature of data or of a function is, c = 0",
        "de Boor 2001, chapter XII",
    ),
)

INITIALISERS: Mapping[str, Initialiser] = FrozenMapping({each.name: each for each in _ALL})
