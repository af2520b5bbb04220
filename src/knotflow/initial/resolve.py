"""What a user may call a law by: a name, an initialiser function, a `Law`, or a `KnotLaw` itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex, TypeAlias

from knotflow._checks import count, number, pair, shown
from knotflow.data.samples import Samples
from knotflow.errors import InputError
from knotflow.initial.registry import INITIALISERS, Initialiser
from knotflow.laws.closed_form import Gaussian, UniformKnots
from knotflow.laws.drawn import Law
from knotflow.laws.knot_law import KnotLaw
from knotflow.network.relunet import ReLUNet

__all__ = ["Start", "law", "named_law"]

Start: TypeAlias = str | Callable[..., ReLUNet] | Initialiser | Law | KnotLaw


def named_law(law: str | Law, m: SupportsIndex | None, scales: dict[str, float]) -> Law:
    """The law of a, b and c by its name and width, or the law itself."""
    if isinstance(law, Law):
        if scales:
            raise InputError(f"{', '.join(scales)} given with a Law, which has its scales: pass a name instead")
        return law
    makers = {name: each.law for name, each in INITIALISERS.items() if each.law}
    maker = makers.get(law) if isinstance(law, str) else None
    if maker is None:
        raise InputError(f"law is {shown(law)}: it must be a Law or one of {', '.join(map(repr, makers))}")
    if m is None and law not in ("gaussian", "uniform"):
        raise InputError(f"m is None: the law {shown(law)} depends on the width m")
    try:
        return maker(1 if m is None else m, **scales)
    except TypeError:
        raise InputError(f"{', '.join(scales)}: the law {shown(law)} does not take these scales") from None


def law(init: Start, m: SupportsIndex | None = None, **options: Any) -> KnotLaw:
    """The law of a neuron's (a, b), and E[c^2], that an initialiser draws from.

    Parameters
    ----------
    init : str, callable, Initialiser, Law or KnotLaw
        "gaussian", "uniform", "he", "glorot", "pytorch", "rademacher", "uniform_knots"; a function or a record of
        `kf.initial`; or a law of `kf.laws` (a KnotLaw is returned as it is).
    m : int, optional
        The width, for starts whose scales depend on it.
    **options
        Of the initialiser, such as sigma_b; B (1 when left out) of "rademacher", a = +-1 and b ~ U(-B, B);
        where (an interval or Samples, (-1, 1) when left out) of "uniform_knots".

    Returns
    -------
    KnotLaw

    Raises
    ------
    InputError
        For another init, and for options that it does not take.

    Notes
    -----
    Without m the scales are those of infinite width: E[c^2] = 0 for "he" and "pytorch", whose c vanishes. For
    "glorot", where a, b and c vanish alike, the common factor 2/(m + 1) of the kernels is left out.

    O(1).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.initial.law("he", m=8)
    Gaussian(sigma_a=1.4142135623730951, sigma_b=1.4142135623730951, c2=0.25)
    >>> kf.initial.law("rademacher", B=2.0)
    UniformKnots(lo=-2.0, hi=2.0, right=0.5, c2=0.0)
    """
    if isinstance(init, KnotLaw | Law):
        if options:
            raise InputError(f"{sorted(options)[0]} is given beside a law, which already has its scales")
        return init if isinstance(init, KnotLaw) else init.knot_law()
    name = _name(init)
    try:
        if name == "rademacher":
            return _rademacher(**options)
        if name == "uniform_knots":
            return _uniform_knots(**options)
        return _drawn(name, m, options)
    except TypeError as error:
        raise InputError(f"the options {sorted(options)} do not fit the initialiser {name!r}: {error}") from None


def _name(init: Any) -> str:
    with_law = {name: known for name, known in INITIALISERS.items() if known.law or name == "uniform_knots"}
    for name, known in with_law.items():
        if init is known or init is known.start or (isinstance(init, str) and init == name):
            return name
    if isinstance(init, str) and init == "rademacher":
        return init
    names = ", ".join(f'"{name}"' for name in (*with_law, "rademacher"))
    raise InputError(f"init is {shown(init)}: it must be one of {names}, the function of kf.initial, or a law")


def _drawn(name: str, m: SupportsIndex | None, options: dict[str, Any]) -> KnotLaw:
    make = INITIALISERS[name].law
    assert make is not None
    if m is not None:
        return make(count("m", m, least=1), **options).knot_law()
    if name == "glorot":
        if options:
            raise InputError("m is missing: with sigma_b given, the kernels of glorot have no limit without it")
        return Gaussian(1.0, 1.0, 1.0)
    drawn = make(1, **options)
    vanishing = name in ("he", "pytorch")
    return Law(drawn.family, drawn.a, drawn.b, 0.0 if vanishing else drawn.c).knot_law()


def _rademacher(B: float = 1.0, c2: float = 0.0) -> KnotLaw:
    bound = number("B", B, above=0.0)
    return UniformKnots(-bound, bound, c2=c2)


def _uniform_knots(where: Samples | tuple[float, float] = (-1.0, 1.0), c2: float = 0.0) -> KnotLaw:
    lo, hi = where.range if isinstance(where, Samples) else pair("where", where, "an interval (lo, hi) or Samples")
    return UniformKnots(lo, hi, c2=c2)
