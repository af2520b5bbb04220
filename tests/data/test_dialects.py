"""Tables written in any dialect: the same numbers come back, or the file is refused; never other numbers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from knotflow.data import Samples, csv
from knotflow.data.options import Options, Wanted
from knotflow.errors import InputError

POOLS = [
    *("1 2 3 4", "150 1500 15000 15 150000", "1.234 2.345 12.345", "0.5 1.5 2.25", "1234.5 22345.25", "1 10 100"),
    *("1250.00 1300.00", "0.123 1.5 2", "1000 2000 999", "1.5 1234", "-5 1.234", "1000000 1234567.25"),
    "100.200 200.300",
]
POOLS = [pool.split() for pool in POOLS]

# Numbers as people write them: with two or three decimals, whole, large, small.
_CELLS = st.one_of(
    st.builds(lambda n, d: Decimal(n).scaleb(-d), st.integers(-10_000_000, 10_000_000), st.integers(0, 4)),
    st.builds(lambda n: Decimal(n).scaleb(-3), st.integers(-999_999, 999_999)),
    st.integers(-(2**62), 2**62).map(Decimal),
)
_LABELS = st.sampled_from(["ann", "b;c", "d, e", "no 3", 'f "g"', "", "x-1"])


@dataclass(frozen=True)
class Dialect:
    """How a table is written."""

    sep: str
    decimal: str
    thousands: str
    header: bool
    quoted: bool
    label: bool
    end: str
    trailing: bool
    comment: str
    unit: str
    encoding: str


DIALECTS = st.builds(
    Dialect,
    st.sampled_from([",", ";", "\t", "|", " ", ", "]),
    st.sampled_from(".,"),
    st.sampled_from(["", "", ",", ".", "'", " ", "\u00a0", "\u202f"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from(["", "# note\n", "% one, 2; three\n"]),
    st.sampled_from(["", "", "%", " €"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
).filter(lambda d: d.decimal != d.thousands and (d.sep.strip(), d.thousands) != (",", "."))
# Between commas a point is the decimal mark where every cell has it: no one groups digits by points there.

TABLES = st.integers(2, 3).flatmap(
    lambda width: st.lists(st.tuples(_LABELS, *[_CELLS] * width), min_size=2, max_size=9, unique_by=lambda row: row[1])
)


def in_digits(value: Decimal, d: Dialect) -> str:
    whole, _, decimals = f"{abs(value):f}".partition(".")
    groups = f"{int(whole):,}".replace(",", d.thousands) if d.thousands else whole
    return ("-" if value < 0 else "") + groups + (d.decimal + decimals if decimals else "") + d.unit


def written(table: list[tuple], d: Dialect) -> bytes:
    """The table as a file; cells are quoted where they must be, or all; "comma" is a writer that never quotes."""

    def cell(text: str) -> str:
        must = d.sep.strip() in text if d.sep.strip() else any(blank in text for blank in " \t") or text == ""
        return f'"{text.replace(chr(34), 2 * chr(34))}"' if must or d.quoted or '"' in text else text

    rows = [[*([row[0]] if d.label else []), *(in_digits(value, d) for value in row[1:])] for row in table]
    if d.header:
        rows.insert(0, [*(["who"] if d.label else []), *("tyzw"[: len(table[0]) - 1])])
    lines = [d.sep.join(map(cell, row)) + (d.sep if d.trailing and d.sep != " " else "") for row in rows]
    return (d.comment + "".join(line + "\n" for line in lines)).replace("\n", d.end).encode(d.encoding)


def careless(table: list[tuple], d: Dialect) -> bytes:
    """The table by a writer that knows nothing of quotes."""
    rows = [[in_digits(value, d) for value in row[1:]] for row in table]
    if d.header:
        rows.insert(0, [*"tyzw"[: len(table[0]) - 1]])
    return "".join(d.sep.join(row) + "\n" for row in rows).encode()


def expected(table: list[tuple]) -> list[tuple[float, float]]:
    return sorted((float(row[1]), float(row[2])) for row in table)


def check(path, content: bytes, table: list[tuple]) -> bool:
    """Whether the file was read, as the table that it is; else it was refused in one sentence about the file."""
    path.write_bytes(content)
    data, refusal = None, ""
    try:
        data = Samples.from_csv(path)
    except InputError as error:
        refusal = str(error)
    if data is None:
        assert refusal.startswith(str(path))
        assert "\n" not in refusal
        return False
    x, y = (np.array(column) for column in zip(*expected(table), strict=True))
    found = data.x if data.origin is None else np.array([float(value) for value in data.from_x(data.x)])
    np.testing.assert_array_equal(found, x, err_msg=repr(content))
    np.testing.assert_array_equal(np.sort(data.y), np.sort(y), err_msg=repr(content))
    return True


@settings(max_examples=400, deadline=None)
@given(TABLES, DIALECTS)
@pytest.mark.filterwarnings("ignore:.*fall.* together")
def test_no_dialect_is_misread(tmp_path_factory, table, dialect):
    event(f"read: {check(tmp_path_factory.getbasetemp() / 'dialect.csv', written(table, dialect), table)}")


@pytest.mark.parametrize("seed", range(3))
def test_lopsided_tables_are_not_misread(tmp_path, seed):
    """Columns that look alike in several notations, in every dialect."""
    rng, outcomes = random.Random(seed), []
    for _ in range(300):
        pools = [rng.choice(POOLS) for _ in range(rng.choice([2, 2, 3]))]
        rows = [(rng.choice(["ann", "b;c", "d, e", "1", ""]), *map(Decimal, map(rng.choice, pools))) for _ in range(4)]
        dialect = Dialect(
            *(rng.choice([",", ";", "\t", "|", " ", ", "]), rng.choice(".,"), rng.choice(["", "", *",.' \u00a0"])),
            *(rng.random() < share for share in (0.5, 0.3, 0.3)),
            *("\n", rng.random() < 0.2, "", rng.choice(["", "", "%"]), "utf-8"),
        )
        unlikely = dialect.sep.strip() == "," and dialect.thousands == "."
        if len({row[1] for row in rows}) > 1 and dialect.decimal != dialect.thousands and not unlikely:
            outcomes.append(check(tmp_path / "a.csv", written(rows, dialect), rows))
            outcomes.append(check(tmp_path / "b.csv", careless(rows, dialect), rows))
    assert sum(outcomes) > 0.5 * len(outcomes)  # not refused by the dozen


@settings(max_examples=200, deadline=None)
@given(TABLES, DIALECTS, st.sampled_from(["", "NA", "x", "1e400", '"', "5,", "1 2", "inf", "0x1F", "1_0", "-"]))
@pytest.mark.filterwarnings("ignore:.*fall.* together")
def test_pandas_reads_what_is_read_cell_by_cell(tmp_path_factory, table, dialect, odd):
    """The fast way agrees with the slow one, or leaves the file to it, also where the last cell is odd."""
    path = tmp_path_factory.getbasetemp() / "both.csv"
    lines = careless(table, dialect).decode().splitlines()
    path.write_text("\n".join([*lines, f"7{dialect.sep}{odd}" if odd else ""]), encoding="utf-8")

    def read(shortest: int):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv, "_SHORT", shortest)
            try:
                return csv.read_columns(path, Wanted(), Options(missing="drop"))
            except InputError as error:
                return str(error)

    slow, fast = read(10**9), read(-1)
    event("refused" if isinstance(slow, str) else "read")
    if isinstance(slow, str):
        assert fast == slow
        return
    assert (fast.x_name, fast.y_name) == (slow.x_name, slow.y_name)
    np.testing.assert_array_equal(fast.x, slow.x)
    np.testing.assert_array_equal(fast.y, slow.y)


@settings(max_examples=300, deadline=None)
@given(TABLES, DIALECTS)
@pytest.mark.filterwarnings("ignore:.*fall.* together")
def test_writers_without_quotes_are_not_misread(tmp_path_factory, table, dialect):
    event(f"read: {check(tmp_path_factory.getbasetemp() / 'careless.csv', careless(table, dialect), table)}")
