"""The target functions of the papers, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from knotflow._typing import Array

__all__ = ["Catalogue", "targets"]

Named = TypeVar("Named", bound=Callable[..., Any])


class Catalogue(Mapping[str, Named]):
    """Functions by name: `targets.sine`, `targets["sine"]`, `list(targets)`. It cannot be changed.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.targets
    Catalogue(square_wave, sine, quadratic, cubic, arctan, exponential, sawtooth, smooth_gap, sharp_gap)
    >>> kf.targets["sawtooth"]([0.0, 0.25, 0.5])
    array([-1.,  0.,  1.])
    """

    def __init__(self, *functions: Named) -> None:
        vars(self).update({f.__name__: f for f in functions})

    def __getitem__(self, name: str) -> Named:
        return vars(self)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def __len__(self) -> int:
        return len(vars(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot set {name!r}: a Catalogue does not change")

    def __repr__(self) -> str:
        return f"Catalogue({', '.join(self)})"

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Named: ...


def square_wave(x: ArrayLike) -> Array:
    """sign(sin(2 pi x + 0.4)). Williams et al. 2019, section 4: 10 samples of it, on [-1, 1].

    The paper prints no formula; the phase keeps the jumps off the samples and the data lopsided.
    """
    return np.sign(np.sin(2 * np.pi * np.asarray(x, dtype=float) + 0.4))


def sine(x: ArrayLike) -> Array:
    """sin(pi x). Williams et al. 2019, figure 5; Sahs et al. 2022, tables 1 and 3, on [-2, 2].

    Sahs et al. print sin(x), but their table 3 has losses that only two periods or so can give.
    """
    return np.sin(np.pi * np.asarray(x, dtype=float))


def quadratic(x: ArrayLike) -> Array:
    """x^2 / 2. Sahs et al. 2022, tables 1 and 3 (appendix A.1 and A.2), on [-2, 2]."""
    return np.asarray(x, dtype=float) ** 2 / 2


def cubic(x: ArrayLike) -> Array:
    """x^3/3 + x^2/2 - x/2. Sahs et al. 2022, table 3 (appendix A.2), on [-2, 2].

    The print of the coefficients is hard to read: these are the likeliest.
    """
    x = np.asarray(x, dtype=float)
    return x**3 / 3 + x**2 / 2 - x / 2


def arctan(x: ArrayLike) -> Array:
    """arctan(x). Sahs et al. 2022, table 3 (appendix A.2), on [-2, 2]."""
    return np.arctan(np.asarray(x, dtype=float))


def exponential(x: ArrayLike) -> Array:
    """exp(x / 2). Sahs et al. 2022, table 3 (appendix A.2), on [-2, 2]."""
    return np.exp(np.asarray(x, dtype=float) / 2)


def sawtooth(x: ArrayLike) -> Array:
    """Continuous zigzag of period 1 from -1 at the integers to 1 halfway between them.

    Sahs et al. 2022, table 3 (appendix A.2): on [-2, 2], with -1 at both ends and 4 peaks of 1.
    """
    x = np.asarray(x, dtype=float)
    return 4 * np.abs(x - np.round(x)) - 1


def smooth_gap(x: ArrayLike) -> Array:
    """x/2 + sign(x)/2, sampled on both sides of the gap [-0.5, 0.5]: bridging it takes mild turns.

    After Sahs et al. 2022, figures 10 and 11 (left); the paper prints no formula.
    """
    x = np.asarray(x, dtype=float)
    return 0.5 * x + 0.5 * np.sign(x)


def sharp_gap(x: ArrayLike) -> Array:
    """-x/2 + 3 sign(x)/2, sampled on both sides of the gap [-0.5, 0.5]: bridging it takes two sharp turns.

    After Sahs et al. 2022, figures 10 and 11 (right); the paper prints no formula.
    """
    x = np.asarray(x, dtype=float)
    return -0.5 * x + 1.5 * np.sign(x)


targets: Catalogue[Callable[[ArrayLike], Array]] = Catalogue(
    square_wave, sine, quadratic, cubic, arctan, exponential, sawtooth, smooth_gap, sharp_gap
)
