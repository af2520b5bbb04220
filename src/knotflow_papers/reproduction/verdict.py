"""Checks of what was measured, and the verdict that follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Status = Literal["reproduced", "reproduced with a correction", "not reproduced", "error"]


@dataclass(frozen=True)
class Check:
    """One measurable statement, whether it holds, and the numbers; made by `below`, `above` and `monotone`.

    Attributes
    ----------
    statement : str
        What must hold, the bound included.
    holds : bool
        Whether it does. A value that is NaN does not hold.
    measured : str
        The numbers that say so.
    printed : bool
        Whether it is about the protocol or formula exactly as printed. If such a check fails where all others hold,
        the item is reproduced with a correction.

    Examples
    --------
    >>> check = Check.below("distance at m = 200", 0.031, 0.05)
    >>> check.holds, check.statement, check.measured
    (True, 'distance at m = 200 < 0.05', 'distance at m = 200: 0.031')
    """

    statement: str
    holds: bool
    measured: str
    printed: bool = False

    @classmethod
    def below(cls, what: str, value: float, bound: float, *, printed: bool = False) -> Check:
        """The check that value < bound; `what` names the value, `printed` is as in `Check`."""
        return cls(f"{what} < {bound:g}", bool(value < bound), f"{what.rstrip(',')}: {_digits(value)}", printed)

    @classmethod
    def above(cls, what: str, value: float, bound: float, *, printed: bool = False) -> Check:
        """The check that value > bound; `what` names the value, `printed` is as in `Check`."""
        return cls(f"{what} > {bound:g}", bool(value > bound), f"{what.rstrip(',')}: {_digits(value)}", printed)

    @classmethod
    def monotone(
        cls, what: str, values: Iterable[float], way: Literal["falls", "rises"], *, printed: bool = False
    ) -> Check:
        """The check that the values fall or rise, which `way` says, strictly from each to the next; `what` names them.

        `printed` is as in `Check`.
        """
        v = np.asarray(list(values), dtype=float)
        steps = np.diff(v) if way == "rises" else -np.diff(v)
        shown = ", ".join(map(_digits, v))
        return cls(f"{what} {way}", bool(np.all(steps > 0)), f"{what.rstrip(',')}: {shown}", printed)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    "not reproduced" if a check of the claim fails; otherwise "reproduced with a correction" if a check of the
    protocol or formula as printed fails; otherwise "reproduced". "error" if the item raised an exception.

    Attributes
    ----------
    checks : tuple of Check
        All checks of the item.
    trouble : str
        The exception in words; "" if there was none.

    Examples
    --------
    >>> Verdict((Check.below("loss", 0.2, 1.0), Check.below("printed loss", 3.0, 1.0, printed=True))).status
    'reproduced with a correction'
    """

    checks: tuple[Check, ...]
    trouble: str = ""

    @property
    def status(self) -> Status:
        """What became of the claim, by the rule of this class."""
        if self.trouble:
            return "error"
        if not all(check.holds for check in self.checks if not check.printed):
            return "not reproduced"
        return "reproduced" if all(check.holds for check in self.checks) else "reproduced with a correction"

    @property
    def sentence(self) -> str:
        """The measured numbers, what fails first; or the exception."""
        if self.trouble:
            return f"It raised {self.trouble}."
        ordered = sorted(self.checks, key=lambda check: check.holds)
        words = [
            ("" if check.holds else "as printed, fails: " if check.printed else "fails: ") + check.measured
            for check in ordered
        ]
        text = "; ".join(words)
        return f"{text[:1].upper()}{text[1:]}."


def _digits(value: float) -> str:
    """Three digits; 0 for what is rounding."""
    return f"{0.0 if abs(value) < 1e-13 else value:.3g}"
