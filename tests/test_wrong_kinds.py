"""Whatever a public call is given, it works as documented or raises a KnotflowError: nothing raw, nothing misread.

Every argument of every public function, of the classes that users make and of the methods of results is tried with
odd values, the others being right.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.helpers.calls import EXTRAS, calls
from tests.helpers.public import DATA, NET

import knotflow as kf


class Hostile:
    """What raises something of its own whatever it is asked."""

    def __float__(self) -> float:
        raise RuntimeError("no float")

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise KeyError("no array")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __iter__(self) -> Any:
        raise ZeroDivisionError("no iter")

    def __len__(self) -> int:
        raise OSError("no len")

    def __index__(self) -> int:
        raise MemoryError("no index")

    def __eq__(self, other: object) -> bool:
        raise LookupError("not comparable")

    def __hash__(self) -> int:
        raise BufferError("no hash")

    def __bool__(self) -> bool:
        raise AttributeError("no bool")


MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])

# What no argument takes, but for those of TAKEN.
NEVER: dict[str, Callable[[], Any]] = {
    "nan": lambda: np.nan,
    "10**400": lambda: 10**400,
    "-10**400": lambda: -(10**400),
    "10**5000": lambda: 10**5000,
    "bytes": lambda: b"10",
    "dict": lambda: {"a": 1},
    "set of numbers": lambda: {1, 2},
    "object": object,
    "hostile": Hostile,
    "type": lambda: int,
    "text array": lambda: np.array("a"),
    "bool array": lambda: np.array([True, False, True]),
    "nan array": lambda: np.array([np.nan]),
    "timedelta": lambda: np.timedelta64(1, "s"),
    "datetime": lambda: np.datetime64("2020-01-01"),
    "date": lambda: date(2020, 1, 1),
    "timedeltas": lambda: np.array([1, 2], "timedelta64[s]"),
    "masked": lambda: MASKED,
    "masked in a list": lambda: [MASKED],
    "masked constant": lambda: np.ma.masked,
    "all masked": lambda: np.ma.array([1, 2], mask=True),
    "complex": lambda: 1j,
    "complex list": lambda: [1j, 2],
    "ragged": lambda: [[1], [1, 2]],
    "texts": lambda: ["1", "2"],
    "huge in a list": lambda: [10**400, 1],
    "None in a list": lambda: [None, 1.0],
    "decimal": lambda: Decimal("1.5"),
    "series of texts": lambda: pd.Series(["a", "b"]),
    "series with NA": lambda: pd.Series([1, None, 3], dtype="Int64"),
    "NA": lambda: pd.NA,
    "NaT": lambda: pd.NaT,
    "ellipsis": lambda: ...,
    "slice": lambda: slice(3),
    "exception": lambda: ValueError("x"),
    "long double": lambda: np.longdouble("1e4000"),
    "records": lambda: np.zeros(2, dtype=[("a", float)]),
    "module": lambda: np,
}
# What some arguments take: those whose annotation has one of the words.
NUMBERS = ("float", "int", "ArrayLike", "Array", "SupportsIndex", "Ints", "Iterable", "Sequence")
SOME: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "True": (lambda: True, ("bool",)),
    "NumPy's True": (lambda: np.True_, ("bool",)),
    "text": (lambda: "abc", ("str", "Path")),
    "digits": (lambda: "10", ("str", "Path")),
    "empty text": (lambda: "", ("str", "Path")),
    "path": (lambda: Path("no/such/file"), ("Path",)),
    "None": (lambda: None, ("None",)),
    "function of nothing": (lambda: lambda: 0, ()),
    "function that gives a text": (lambda: lambda x: "abc", ("Callable", "Watcher")),
    "generator": (lambda: (k for k in range(3)), ("Iterable", "Sequence", "tuple")),
    "empty": (list, NUMBERS),
    "empty array": (lambda: np.array([]), NUMBERS),
    "minus one": (lambda: -1, NUMBERS),
    "a half": (lambda: 0.5, NUMBERS),
    "fraction": (lambda: Fraction(1, 3), NUMBERS),
    "small int": (lambda: np.int8(3), NUMBERS),
    "large": (lambda: [1e300, -1e300], NUMBERS),
    "largest": (lambda: [1.7e308, -1.7e308], NUMBERS),
    "largest number": (lambda: 1.7e308, NUMBERS),
    "two pairs": (lambda: [(1, 2), (2, 3)], NUMBERS),
    "table": (lambda: pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), NUMBERS),
}
# Right, but not tried: half a million steps, and seconds of figures, which are tested where they are.
NOT_TRIED = {("steps", "None"), ("directory", "text"), ("directory", "digits"), ("directory", "path")}
# A flow until 1.7e308 takes minutes; a nugget of that size overflows in the sums of the solver.
NOT_TRIED |= {("until", "largest number"), ("nugget", "largest number")}
# Conversions of units keep NaN, which is what is missing there.
UNITS = {("Scaling", "x"), ("Scaling", "y"), ("Scaling", "u"), ("Scaling", "v")}
TAKEN = {(name, kind) for name in ("nan", "nan array", "series with NA") for kind in sorted(UNITS)}
SHARDS = 8


@cache
def every_call() -> list[tuple[str, Callable[..., Any], dict[str, Any]]]:
    return list(calls())


def odd_values(address: str, parameter: inspect.Parameter) -> Iterator[tuple[str, Any, bool]]:
    """What to try for this argument, and whether it may be taken."""
    annotation = str(parameter.annotation)
    owner = address.split(".")[0]
    for name, make in NEVER.items():
        untyped = annotation.startswith("Any") and name == "object"
        yield name, make(), untyped or (name, (owner, parameter.name)) in TAKEN
    for name, (make, words) in SOME.items():
        if (parameter.name, name) in NOT_TRIED:
            continue
        yield name, make(), any(word in annotation for word in words) or annotation in ("Any", "Density | Any")


def outcome(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    """What happened: "refused", "taken", or the error that should not have come."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            for kind in (DeprecationWarning, kf.StabilityWarning, kf.DivergenceWarning):
                warnings.simplefilter("ignore", kind)
            function(**arguments)
    except kf.KnotflowError as error:
        return "refused" if len(str(error)) < 1000 else f"refused in {len(str(error))} characters"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:80] if not isinstance(error, KeyError) else ''}"
    return "taken"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_odd_values_are_refused_by_name_or_taken_for_a_reason(shard: int, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = []
    for address, function, arguments in every_call()[shard::SHARDS]:
        if address in EXTRAS:
            pytest.importorskip(EXTRAS[address])
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind >= parameter.VAR_KEYWORD:
                continue
            for name, value, may_be_taken in odd_values(address, parameter):
                found = outcome(function, {**arguments, parameter.name: value})
                if found != "refused" and not (found == "taken" and may_be_taken):
                    wrong.append(f"{address}({parameter.name}={name}): {found}")
    assert not wrong, "\n".join(wrong)


def test_a_right_call_works() -> None:
    """Else everything would be refused for another reason."""
    refused = {address: found for address, f, arguments in every_call() if (found := outcome(f, arguments)) != "taken"}
    # Files are not written, the names in `tests.helpers.calls` are no names of files; steps have no network between.
    files = {"kf.animate", "kf.load_trajectory", "kf.report.save", "kf.report.write", "Fit.save", "Trajectory.save"}
    files |= {"Trajectory of a flow.save", "Samples.from_csv"}
    assert set(refused) == files | {"Trajectory.net_at_time"}


def _papers() -> dict[str, Callable[[Any], Any]]:
    papers, ledger = kf.papers, kf.papers.ledger
    return {
        "compute": papers.compute,
        "select": papers.select,
        "reproduce": lambda value: papers.reproduce(value, "out"),
        "reproduce out": lambda value: papers.reproduce([], value),
        "write_report": lambda value: papers.write_report(value, "page.html"),
        "write_report path": lambda value: papers.write_report([], value),
        "ledger.check": ledger.check,
        "ledger.chosen": ledger.chosen,
        "ledger.rows": ledger.rows,
        "ledger.run": lambda value: ledger.run(value, processes=1),
        "ledger.write": lambda value: ledger.write(value, "out"),
        "ledger.write out": lambda value: ledger.write([], value),
    }


@pytest.mark.parametrize("name", _papers())
def test_the_papers_refuse_odd_values_too(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    call = _papers()[name]
    for odd, make in NEVER.items():
        if name != "ledger.chosen" or "texts" not in odd:  # words, which are right
            with pytest.raises(kf.InputError):
                call(make())
    assert not list(tmp_path.iterdir())


# -- what was taken for something else -------------------------------------------------------------------


@pytest.mark.parametrize("take", [kf.Samples, lambda x, y: kf.ReLUNet(x, y, y), lambda x, y: NET(x)])
def test_masked_values_are_counted_in_the_refusal(take: Any) -> None:
    with pytest.raises(
        kf.InputError, match=r"^[xa] has 2 masked values: drop or fill them, for example [xa].compressed"
    ):
        take(np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[0, 1, 0, 1]), [1, 2, 3, 4])
    take(np.ma.array([1.0, 2.0, 3.0, 4.0]), [1, 2, 3, 4])  # nothing is masked


@pytest.mark.parametrize("number", [0, 1, 2, True, np.int64(1)])
def test_the_number_of_an_open_file_is_no_path(number: Any, capfd: Any) -> None:
    run = kf.evolve(NET, DATA, kf.GradientDescent(1e-3), steps=1)
    fit = kf.fit(DATA, width=3, steps=1)
    for call in (kf.load_trajectory, kf.Samples.from_csv, run.save, fit.save, lambda p: kf.report.write([fit], p)):
        with pytest.raises(
            kf.InputError, match=r"^(path|directory) is .*: it must be a path, as a str or a pathlib.Path$"
        ):
            call(number)
    with pytest.raises(kf.InputError, match="path is"):
        kf.animate(run, number)
    print("still open")
    assert capfd.readouterr().out == "still open\n"


@pytest.mark.parametrize("word", ["normal", "Gaussian", "", None, 3, ["gaussian"], np.array("gaussian")])
def test_a_law_of_another_family_is_refused(word: Any) -> None:
    with pytest.raises(kf.InputError, match=r"^family is .*: it must be one of 'gaussian', 'uniform'$"):
        kf.initial.Law(word, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("pairs", [[(1, 5), (2, 3)], [[1, 5], [2, 3]], ((1, 5), (2, 3)), [(1, 5), [2, 3]]])
def test_two_pairs_are_not_read_without_a_word(pairs: Any) -> None:
    with pytest.raises(kf.InputError) as caught:
        kf.fit(pairs, width=3, steps=0)
    assert "kf.Samples(x=[1, 5], y=[2, 3])" in str(caught.value)  # x, then y
    assert "kf.Samples(x=[1, 2], y=[5, 3])" in str(caught.value)  # the points


def test_what_is_x_and_y_without_doubt_is_read() -> None:
    for data in (([1, 2], [2, 3]), [np.array([1, 2]), np.array([2, 3])], [(1, 2, 4), (2, 3, 5)]):
        assert kf.fit(data, width=3, steps=0).data.x[:2].tolist() == [1.0, 2.0]
