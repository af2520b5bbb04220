"""What a user may name a law by: a name, an initialiser function, a `Law`, or a `KnotLaw` itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex, TypeAlias

from knotflow import initial
from knotflow._checks import number
from knotflow.errors import InputError
from knotflow.initial.laws import Law, width
from knotflow.kernels.laws import Gaussian, KnotLaw, Uniform, UniformKnots
from knotflow.network import ReLUNet
from knotflow.samples import Samples

Start: TypeAlias = str | Callable[..., ReLUNet] | initial.Initialiser | Law | KnotLaw


def law(init: Start, m: SupportsIndex | None = None, **options: Any) -> KnotLaw:
    """The law of a neuron's (a, b), and E[c^2], that an initialiser draws from.

    init     "gaussian", "uniform", "he", "glorot", "pytorch", "rademacher", "uniform_knots"; a function or a record of
             `kf.initial`; a `kf.initial.Law`; or one of this room's laws, which is returned as it is
    m        the width, for starts whose scales depend on it
    options  of the initialiser, such as sigma_b; B (1 when left out) of "rademacher", a = +-1 and b ~ U(-B, B);
             where (an interval or Samples, (-1, 1) when left out) of "uniform_knots"

    Without m the scales are those of infinite width: E[c^2] = 0 for "he" and "pytorch", whose c vanishes. For "glorot",
    where a, b and c vanish alike, the common factor 2/(m + 1) of the kernels is left out.

    Raises InputError for another init, and for options that it does not take.
    """
    if isinstance(init, KnotLaw | Law):
        if options:
            raise InputError(f"{sorted(options)[0]} is given beside a law, which already has its scales")
        return init if isinstance(init, KnotLaw) else _independent(init)
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
    with_law = {name: known for name, known in initial.INITIALISERS.items() if known.law or name == "uniform_knots"}
    for name, known in with_law.items():
        if init in (name, known) or init is known.start:
            return name
    if init == "rademacher":
        return init
    names = ", ".join(f'"{name}"' for name in (*with_law, "rademacher"))
    raise InputError(f"init is {init!r}: it must be one of {names}, the function of kf.initial, or a law")


def _drawn(name: str, m: SupportsIndex | None, options: dict[str, Any]) -> KnotLaw:
    make = initial.INITIALISERS[name].law
    assert make is not None
    if m is not None:
        return _independent(make(width(m), **options))
    if name == "glorot":
        if options:
            raise InputError("m is missing: with sigma_b given, the kernels of glorot have no limit without it")
        return Gaussian(1.0, 1.0, 1.0)
    drawn = make(1, **options)
    vanishing = name in ("he", "pytorch")
    return _independent(Law(drawn.family, drawn.a, drawn.b, 0.0 if vanishing else drawn.c))


def _independent(drawn: Law) -> KnotLaw:
    if drawn.family == "gaussian":
        return Gaussian(drawn.a, drawn.b, drawn.c**2)
    return Uniform(drawn.a, drawn.b, drawn.c**2 / 3)


def _rademacher(B: float = 1.0, c2: float = 0.0) -> KnotLaw:
    bound = number("B", B, above=0.0)
    return UniformKnots(-bound, bound, c2=c2)


def _uniform_knots(where: Samples | tuple[float, float] = (-1.0, 1.0), c2: float = 0.0) -> KnotLaw:
    lo, hi = where.range if isinstance(where, Samples) else where
    return UniformKnots(lo, hi, c2=c2)
