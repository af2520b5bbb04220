"""Files of two columns: what is read alike, and what is refused in which words."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helpers.strategies import numbers
from knotflow.data import Samples
from knotflow.errors import InputError


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows_of(data: Samples) -> list[tuple[float, float]]:
    return list(zip(data.x.tolist(), data.y.tolist(), strict=True))


READ_ALIKE = {
    "comma": "t,v\n1,1.5\n2,-2.5\n3,0.5\n",
    "semicolon": "t;v\n1;1.5\n2;-2.5\n3;0.5\n",
    "tab": "t\tv\n1\t1.5\n2\t-2.5\n3\t0.5\n",
    "pipe": "t|v\n1|1.5\n2|-2.5\n3|0.5\n",
    "space": "t v\n1 1.5\n2 -2.5\n3 0.5\n",
    "aligned": "  t     v  \n  1   1.5\n  2  -2.5  \n 3 \t 0.5\n",
    "padded commas": "t, v\n1, 1.5\n2, -2.5\n3, 0.5\n",
    "padded pipes": "t | v\n1 | 1.5\n2 | -2.5\n3 | 0.5\n",
    "decimal commas": "t;v\n1;1,5\n2,0;-2,5\n3;0,5\n",
    "Windows": "t,v\r\n1,1.5\r\n2,-2.5\r\n3,0.5\r\n",
    "old Mac": "t,v\r1,1.5\r2,-2.5\r3,0.5\r",
    "mark": "\ufefft,v\n1,1.5\n2,-2.5\n3,0.5\n",
    "marked and quoted": '\ufeff"t","v"\n1,1.5\n2,-2.5\n3,0.5\n',
    "no last newline": "t,v\n1,1.5\n2,-2.5\n3,0.5",
    "blank lines": "\n\nt,v\n1,1.5\n\n2,-2.5\n   \n3,0.5\n\n",
    "all quoted": '"t","v"\n"1","1.5"\n"2","-2.5"\n"3","0.5"\n',
    "quotes after spaces": 't, "v"\n1, "1.5"\n2, "-2.5"\n3, "0.5"\n',
    "other order": "t,v\n3,0.5\n1,1.5\n2,-2.5\n",
    "exponents": "t,v\n1e0,15E-1\n+2,-.25e1\n3.,0.5\n",
    "R": '"","t","v"\n"1",1,1.5\n"2",2,-2.5\n"3",3,0.5\n',
    "pandas": ",t,v\n0,1,1.5\n1,2,-2.5\n2,3,0.5\n",
    "R in Europe": '"";"t";"v"\n"1";1;1,5\n"2";2;-2,5\n"3";3;0,5\n',
    "labels first": "who,t,v\nann,1,1.5\nbob,2,-2.5\ncyd,3,0.5\n",
    "labels between": "t,who,v\n1,ann,1.5\n2,bob,-2.5\n3,cyd,0.5\n",
    "labels with every delimiter": 't,v,note\n1,1.5,"a;b, c|d"\n2,-2.5,"a;b, c|d"\n3,0.5,"a;b, c|d"\n',
    "labels with bare delimiters": "t,v,note;more\n1,1.5,a;b\n2,-2.5,a;b\n3,0.5,a;b\n",
    "spaces in names": "t\tv\tthe note\n1\t1.5\tno note\n2\t-2.5\ta note\n3\t0.5\tno note\n",
    "an empty column": "t,none,v\n1,,1.5\n2,,-2.5\n3,,0.5\n",
    "UTF-16": "t,v\n1,1.5\n2,-2.5\n3,0.5\n".encode("utf-16"),
    "UTF-16 without a mark": "t,v\n1,1.5\n2,-2.5\n3,0.5\n".encode("utf-16-le"),
    "a line break in a cell": 't,v,note\n1,1.5,"two\nlines"\n2,-2.5,\n3,0.5,one\n',
}


@pytest.mark.parametrize("text", READ_ALIKE.values(), ids=READ_ALIKE)
def test_files_that_mean_the_same(write, text):
    data = Samples.from_csv(write(text))
    assert rows_of(data) == [(1, 1.5), (2, -2.5), (3, 0.5)]
    assert (data.x_name, data.y_name) == ("t", "v")


@pytest.mark.parametrize(
    "text",
    [
        "1,1.5\n2,-2.5\n3,0.5\n",
        "1 1.5\n2 -2.5\n3 0.5",
        "1;1,5\n2;-2,5\n3;0,5\n",
        "ann,1,1.5\nbob,2,-2.5\ncyd,3,0.5",
    ],
)
def test_files_without_a_header(write, text):
    data = Samples.from_csv(write(text))
    assert rows_of(data) == [(1, 1.5), (2, -2.5), (3, 0.5)]
    assert (data.x_name, data.y_name) == ("x", "y")


@given(
    st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8, unique_by=lambda row: row[0]),
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.booleans(),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_csv_writes_is_read_to_the_bit(tmp_path_factory, rows, delimiter, header, quoting):
    assume(max(rows)[0] - min(rows)[0] > 1e-300)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerows(([("first column", "2nd, column")] if header else []) + rows)
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text(text.getvalue(), newline="")
    data = Samples.from_csv(path)
    assert rows_of(data) == sorted(rows)
    assert (data.x_name, data.y_name) == (("first column", "2nd, column") if header else ("x", "y"))


WIDE = "who,t,v,w,0\nann,1,10,100,7\nbob,2,30,300,8\ncyd,3,20,200,9\n"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (None, None, ("t", "v")),
        ("v", "w", ("v", "w")),
        ("w", "v", ("w", "v")),
        (" v ", 1, ("v", "t")),
        (3, np.int64(2), ("w", "v")),
        ("3", "2", ("w", "v")),
        ("t", "0", ("t", "0")),  # the name goes before the number
        ("t", None, ("t", "v")),
        ("w", None, ("w", "v")),
        (None, "w", ("t", "w")),
    ],
)
def test_columns_by_name_and_by_number(write, x, y, expected):
    data = Samples.from_csv(write(WIDE), x, y)
    values = {"t": [1, 2, 3], "v": [10, 30, 20], "w": [100, 300, 200], "0": [7, 8, 9]}
    assert (data.x_name, data.y_name) == expected
    pairs = zip(values[expected[0]], values[expected[1]], strict=True)
    assert rows_of(data) == sorted(pairs)


def test_numbers_of_columns_leave_out_the_one_that_counts_the_rows(write):
    text = ",t,v\n1,1,1.5\n2,2,-2.5\n3,3,0.5\n"
    assert rows_of(Samples.from_csv(write(text), 0, 1)) == [(1, 1.5), (2, -2.5), (3, 0.5)]


@pytest.mark.parametrize(
    "text", [",v\n1871,5\n1872,7\n", "n,v\n1,5\n2,7\n", '"",v\n2,5\n1,7\n'], ids=["gap", "named", "unsorted"]
)
def test_a_first_column_that_is_no_index_is_kept(write, text):
    data = Samples.from_csv(write(text))
    assert sorted(data.y) == [5, 7]
    assert data.x_name == ("n" if text[0] == "n" else "x")


@pytest.mark.parametrize("marker", ["", "NA", "NaN", "nan", "null", "None", ".", "NULL", " ", '""', "-nan"])
def test_rows_with_a_missing_cell_are_an_error_or_dropped(write, marker):
    path = write(f"t,v,w\n1,1.5,\n2,{marker},\n{marker},3,\n3,0.5,\n")
    with pytest.raises(
        InputError,
        match=r"data\.csv: line 4, column 't': .*leave such rows out with missing='drop' \(--missing drop\)$",
    ):
        Samples.from_csv(path)
    assert rows_of(Samples.from_csv(path, missing="drop")) == [(1, 1.5), (3, 0.5)]


def test_a_missing_value_in_the_first_row_is_no_header(write):
    assert rows_of(Samples.from_csv(write("NA,1\n2,3\n4,5\n"), missing="drop")) == [(2, 3), (4, 5)]


BROKEN = {
    "text": ("t,v\n1,2\n2,abc\n", r"data\.csv: line 3, column 'v': 'abc' is not a number$"),
    "text in a blank name": ("t,\n1,2\n2,abc\n", r"line 3, column 1: 'abc' is not a number$"),
    "text without a header": ("1,2\n2,3\n3,abc\n", r"data\.csv: line 3, column 1: 'abc' is not a number$"),
    "text after blank lines": ("\nt,v\n\n1,2\n\n2,abc\n", r"line 6, column 'v': 'abc'"),
    "text after a long cell": ('t,v,c\n1,2,"a\nb\nc"\n2,abc,\n', r"line 5, column 'v': 'abc'"),
    "digits with underscores": ("t,v\n1,2\n2,1_000\n", r"'1_000' is not a number$"),
    "two marks": ('t,v\n1,2.5\n2,"1,5"\n', r"'1,5' is not a number; all decimals must have the same mark$"),
    "infinity": ("t,v\n1,2\n-inf,3\n", r"line 3, column 't': '-inf' is infinite: every value must be"),
    "too large": ("t,v\n1,2\n2,1e999\n", r"line 3, column 'v': '1e999' is infinite"),
    "NA": ("t,v\n1,2\n2,NA\n", r"line 3, column 'v': the value is missing \('NA'\); fill it, or leave such"),
    "empty cell": ("t,v\n1,2\n,3\n", r"line 3, column 't': the cell is empty; fill it, or leave such"),
    "ragged": ("t,v\n1,2\n2\n3,4\n", r"line 3: the number of cells is 1, but 2 on line 1: every row must"),
    "ragged header": ("t v\n1 1 2\n2 2 3\n", r"line 2: the number of cells is 3, but 2 on line 1"),
    "open quote": ('t,v\n1,2\n"2,3\n3,4\n', r"line 3: the number of cells is 1, but 2 on line 1"),
    "endless quote": ('t,v\n1,2\n"2,' + "3\n" * 70_000, r"line 3: field larger .*; is a quote left open\?$"),
    "nothing": ("", r"data\.csv: the file is empty: it must hold two columns of numbers$"),
    "blank": ("\ufeff \n\t\n", r"the file is empty"),
    "empty quotes": ('""\n', r"the file is empty"),
    "header only": ("t,v\n", r"data\.csv: the file has a header but no rows of data$"),
    "one column": ("t\n1\n2\n", r"the file has only one column: two, x and y, are needed$"),
    "one column and its count": (",t\n1,5\n2,7\n", r"the file has only one column"),
    "words": ("t,v\na,b\nc,d\n", r"fewer than two columns hold numbers: name x and y; its columns are"),
    "no header and words": (
        "1,b\n2,d\n",
        r"fewer than two .*; it has no header and 2 columns, 0 to 1; 'b' in column 1 is neither",
    ),
    "Latin-1": (
        "t,v\n1,2\n2,3°\n".encode("latin-1"),
        r"line 3: not UTF-8 text; save the file as UTF-8, or say .*latin-1\)$",
    ),
    "one row": ("t,v\n1,2\n", r"data\.csv: there is only one x: at least two distinct x are needed$"),
    "equal x": ("t,v\n1,2\n1,3\n", r"data\.csv: all 2 x are equal to 1\.0"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_files_that_are_refused_and_why(write, content, message):
    with pytest.raises(InputError, match=message):
        Samples.from_csv(write(content))


@pytest.mark.parametrize("name", ["text", "infinity", "ragged", "two marks", "too large"])
def test_dropping_missing_cells_hides_no_other_fault(write, name):
    content, message = BROKEN[name]
    with pytest.raises(InputError, match=message):
        Samples.from_csv(write(content), missing="drop")


COLUMNS = r"its columns are 'who', 't', 'v', 'w', '0'"


@pytest.mark.parametrize(
    ("x", "y", "missing", "message"),
    [
        ("T", None, "error", rf"data\.csv: x is 'T': no such column; {COLUMNS}; did you mean 't'\?$"),
        (None, "whom", "error", rf"y is 'whom': no such column; {COLUMNS}; did you mean 'who'\?$"),
        (None, "acceleration", "error", rf"y is 'acceleration': no such column; {COLUMNS}$"),
        (5, None, "error", rf"x is 5: there is no column 5, they are numbered 0 to 4; {COLUMNS}$"),
        ("5", None, "error", r"x is '5': there is no column 5"),
        (-1, None, "error", r"x is -1: there is no column -1, they are numbered 0 to 4"),
        ("-1", None, "error", r"x is '-1': no such column"),
        (1.0, None, "error", r"x is 1\.0: it must be a column's name or its number from 0$"),
        ("v", None, "error", rf"x and y are both column 'v': name two columns; {COLUMNS}$"),
        ("t", 1, "error", r"x and y are both column 't'"),
        ("who", "v", "error", r"line 2, column 'who': 'ann' is not a number$"),
        (None, None, "skip", r"missing is 'skip': it must be one of 'error', 'drop'$"),
    ],
)
def test_columns_that_are_not_there(write, x, y, missing, message):
    with pytest.raises(InputError, match=message):
        Samples.from_csv(write(WIDE), x, y, missing=missing)


def test_numbers_of_columns_without_a_header(write):
    with pytest.raises(InputError, match=r"x is 2: there is no column 2.*it has no header and 2 columns, 0 to 1$"):
        Samples.from_csv(write("1,2\n2,3\n"), 2)
    with pytest.raises(InputError, match=r"x is 't': no such column; it has no header and 2 columns, 0 to 1$"):
        Samples.from_csv(write("1,2\n2,3\n"), "t")


def test_two_columns_of_one_name_are_told_apart_by_number(write):
    path = write("t,v,v\n1,2,5\n2,3,7\n")
    with pytest.raises(InputError, match=r"2 columns are called 'v': give y by number$"):
        Samples.from_csv(path, "t", "v")
    assert rows_of(Samples.from_csv(path, "t", 2)) == [(1, 5), (2, 7)]


def test_nothing_left_after_dropping(write):
    with pytest.raises(InputError, match=r"no row has both column 't' and column 'v': nothing is left with"):
        Samples.from_csv(write("t,v\n1,\n,3\n"), missing="drop")


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(InputError, match=r"missing\.csv: there is no such file; relative paths start at /"):
        Samples.from_csv(tmp_path / "missing.csv")
    with pytest.raises(InputError, match=r": it is a directory: give the path of a file$"):
        Samples.from_csv(str(tmp_path))
    with pytest.raises(InputError, match=r"cannot be read: Not a directory$"):
        Samples.from_csv(Path(__file__) / "data.csv")
    with pytest.raises(InputError, match=r"^path is <_io.StringIO .*>: it must be a path, as a str or a pathlib.Path$"):
        Samples.from_csv(io.StringIO("1,2\n2,3\n"))


def test_a_hundred_thousand_rows_are_read_fast(tmp_path):
    x, y = np.random.default_rng(4).standard_normal((2, 100_000))
    path = tmp_path / "long.csv"
    np.savetxt(path, np.stack([x, y], axis=1), fmt="%.17g", delimiter=",", header="x,y", comments="")
    start = time.process_time()
    data = Samples.from_csv(path)
    assert time.process_time() - start < 3.0
    np.testing.assert_array_equal(data.x, np.sort(x))
