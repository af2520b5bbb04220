"""Files as people bring them: what is read, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knotflow.data import Samples
from knotflow.errors import InputError

FIELD = Path(__file__).parent / "field"
STEPS = [2.5, 3, 3.5, 4, 4.5, 5, 8.5, 9, 9.5, 10, 10.5, 11]


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, **options) -> Samples:
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Samples.from_csv(path, **options)

    return read


def points(data: Samples) -> list[tuple[float, float]]:
    return list(zip(data.x.tolist(), data.y.tolist(), strict=True))


# -- ten files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "x", "names"),
    [
        ("tab_decimal_comma_nohdr.tsv", np.arange(1, 13) / 10, ("x", "y")),
        ("unit_closing_tag.csv", np.arange(1, 13), ("time [s]", "rate [/s]")),
        ("savetxt_header.txt", np.arange(1, 13), ("t", "y")),
        ("iso_dates.csv", np.arange(12), ("date", "y")),
        ("pandas_gappy_index.csv", np.arange(1, 13) / 2, ("t", "y")),
    ],
)
def test_files_of_the_field_are_read(name, x, names):
    data = Samples.from_csv(FIELD / name)
    np.testing.assert_array_equal(data.x, x)
    np.testing.assert_array_equal(data.y, STEPS)
    assert (data.x_name, data.y_name) == names


def test_thousands_in_quotes_are_thousands():
    y = Samples.from_csv(FIELD / "thousands_quoted.csv").y
    np.testing.assert_array_equal(y, [1250, 1300, 1350, 1400, 1450, 1500, 1850, 1900, 1950, 2000, 2050, 2100])


def test_a_comma_that_may_be_two_things_is_refused_with_both_and_read_as_the_user_says():
    path = FIELD / "semicolon_thousands_comma.csv"
    with pytest.raises(
        InputError,
        match=r"csv: line 3, column 'y': '1,500' is 1\.5 \(decimal=','\) or 1500 \(thousands=','\): say which "
        r"\(--decimal ',' or --thousands ','\)$",
    ):
        Samples.from_csv(path)
    np.testing.assert_array_equal(Samples.from_csv(path, thousands=",").y[:5], [150, 1500, 15000, 150000, 15])
    np.testing.assert_array_equal(Samples.from_csv(path, decimal=",").y[:5], [150, 1.5, 15, 150, 15])


def test_the_ends_of_a_narrow_range_are_told_apart():
    text = repr(Samples.from_csv(FIELD / "long_names_timestamps.csv"))
    assert "in [1700000000, 1700071400]" in text


@pytest.mark.parametrize("name", ["two_clusters_gap100.csv", "two_pieces_n20.csv", "long_names_timestamps.csv"])
def test_plain_files_are_what_numpy_reads(name):
    data = Samples.from_csv(FIELD / name)
    x, y = np.loadtxt(FIELD / name, delimiter=",", skiprows=1, unpack=True)
    np.testing.assert_array_equal(data.x, x)
    np.testing.assert_array_equal(data.y, y)


# -- others of each kind ---------------------------------------------------------------------------------

READ = {
    "space as thousands mark": ("t;y\n1;1 234,5\n2;2 345,6\n", [1234.5, 2345.6]),
    "no-break space": ("t;y\n1;1\u00a0234,5\n2;22\u00a0345,6\n", [1234.5, 22345.6]),
    "narrow space, whole": ("t;y\n1;1\u202f234\n2;22\u202f345\n", [1234, 22345]),
    "apostrophe": ("t;y\n1;1'234.5\n2;12'345.25\n", [1234.5, 12345.25]),
    "curly apostrophe": ("t;y\n1;1\u2019234\n2;12\u2019345\n", [1234, 12345]),
    "apostrophes between commas": ("t,y\n1,1'234\n2,12'345\n", [1234, 12345]),
    "millions": ('t,y\n1,"1,234,567"\n2,"12,345"\n', [1234567, 12345]),
    "European": ("t;y\n1;1.234,5\n2;12.345,25\n", [1234.5, 12345.25]),
    "European in quotes": ('t,y\n1,"1.234,5"\n2,"2.345,5"\n', [1234.5, 2345.5]),
    "evidence in another column": ('t,y,z\n1,"1,500","0.5"\n2,"2,500",7\n', [1500, 2500]),
    "evidence in another row": ("t;y\n0;1.234\n1;12.345\n2;0.5\n", [1.234, 12.345, 0.5]),
    "three decimals between commas": ("t,y\n0,1.234\n1,12.345\n", [1.234, 12.345]),
    "decimal commas and blanks": ("t y\n0,5 1,25\n1,5 2,5\n", [1.25, 2.5]),
    "decimal commas and pipes": ("0,5|1,25\n1,5|2,5\n", [1.25, 2.5]),
    "decimal commas in quotes": ('"1,5","2,25"\n"2,5","3,5"\n', [2.25, 3.5]),
    "decimal commas, comma and blank": ("t, y\n0,5, 1,25\n1,5, 2,5\n", [1.25, 2.5]),
    "exponents with commas": ("t;y\n1;1,5e3\n2;2,5E-3\n", [1500, 0.0025]),
    "minus sign": ("t,y\n1,\u22125\n2,3\n", [-5, 3]),
    "percent": ("t,y\n1,2%\n2,3.5%\n", [2, 3.5]),
    "dollars": ('t,y\n1,"$1,234.50"\n2,-$3\n', [1234.5, -3]),
    "euros": ("t;y\n1;1.234,50 €\n2;3,00 €\n", [1234.5, 3]),
    "titles": ("My data\nby me, 2024\nt,y\n1,2\n2,3\n", [2, 3]),
    "comments": ("# made by me\n# t, y\n1,2\n# pause\n2,3 # odd\n", [2, 3]),
    "comments of Matlab": ("% t y\n1 2\n2 3\n", [2, 3]),
    "blocks": ("# t y\n1 2\n\n\n2 3\n", [2, 3]),
    "logs": ("t,y\n1,2\nt,y\n2,3\nt,y\n3,4\n", [2, 3, 4]),
    "trailing commas": ("t,y,\n1,2,\n2,3,\n", [2, 3]),
    "trailing commas without a name": ("t,y\n1,2,\n2,3,\n", [2, 3]),
    "empty rows of Excel": ("t;y\n1;2\n2;3\n;\n;;\n", [2, 3]),
    "sep=": ("sep=;\r\nt;y\r\n1,5;2\r\n2,5;3\r\n", [2, 3]),
    "sep= in quotes": ('"sep=,"\nt,y\n1,2\n2,3\n', [2, 3]),
    "units": ("time,volt\ns,mV\n1,2\n2,3\n", [2, 3]),
    "names of two rows": ("sensor,sensor\nt,y\n1,2\n2,3\n", [2, 3]),
    "a gappy index": (",t,y\n3,1,2\n7,2,3\n", [2, 3]),
    "UTF-16": ("t;y\n1;2,5\n2;3\n".encode("utf-16-be"), [2.5, 3]),
    "UTF-32": ("t;y\n1;2,5\n2;3\n".encode("utf-32"), [2.5, 3]),
    "epoch seconds": ("t,y\n1700000000,1\n1700000001,2\n", [1, 2]),
    "dates decide": ("id,day,y\n1,2024-01-01,5\n2,2024-01-02,6\n", [5, 6]),
    "dates second": ("y,day\n5,2024-01-01\n6,2024-01-02\n", [5, 6]),
    "dates third": ("t,y,made\n1,5,2024-01-02\n2,6,2024-01-01\n", [5, 6]),
    "an index of dates": (",a,b\n2024-01-01,5,1\n2024-01-02,6,2\n", [5, 6]),
}


@pytest.mark.parametrize(("content", "y"), READ.values(), ids=READ)
def test_what_has_one_reading_is_read(read, content, y):
    np.testing.assert_array_equal(read(content).y, y)


NAMES = {
    "units": ("time,volt\ns,mV\n1,2\n2,3\n", ("time (s)", "volt (mV)")),
    "units in brackets": ("time,volt\n[s],[m V]\n1,2\n2,3\n", ("time [s]", "volt [m V]")),
    "percent": ("t,share\n1,2%\n2,3%\n", ("t", "share (%)")),
    "separators and lines in names": ('"t, in s","y;\nz"\n1,2\n2,3\n', ("t, in s", "y; z")),
    "comment": ("#t\ty\n1\t2\n2\t3\n", ("t", "y")),
}


@pytest.mark.parametrize(("content", "names"), NAMES.values(), ids=NAMES)
def test_names(read, content, names):
    data = read(content)
    assert (data.x_name, data.y_name) == names


def test_columns_are_found_by_either_row_of_a_header(read):
    text = "time,volt\ns,mV\n1,2\n2,3\n"
    assert points(read(text, x="volt", y="s")) == [(2, 1), (3, 2)]


TWO_READINGS = {
    "points": ("t;y\n1;1.234\n2;12.345\n", r"'1\.234' is 1\.234 \(decimal='\.'\) or 1234 \(thousands='\.'\)"),
    "points, tabs": ("1\t1.234\n2\t12.345\n", r"'1\.234' is 1\.234"),
    "points beside whole numbers": ("t,y\n1,150\n2,1.500\n", r"line 3, column 'y': '1\.500' is 1\.5"),
    "quoted": ('t,y\n1,"1,234"\n2,"12,345"\n', r"'1,234' is 1\.234 \(decimal=','\) or 1234"),
    "grouped or not": ("t;y\n1;12000\n2;1,500\n", r"'1,500' is 1\.5"),
    "comma or blank": ("0,100 200,500\n0,200 300,500\n", r"line 2 is .*sep=','.* or .*sep='space'"),
    "comma or both": ("0,5, 1,25\n1,5, 2,5\n", r"\['1', '5', '2', '5'\] .* or \['1,5', '2,5'\]"),
    "no names, four columns": ("0,5,1,25\n1,5,2,5\n", r"no header, and 4 of its columns hold numbers: say which"),
    "no names, three columns": ("1,1,250.00\n2,1,300.00\n", r"no header, and 3 of its columns"),
    "no names, an index": ("0;0,5;2\n1;1,5;3\n", r"no header, and 3 of its columns"),
    "names, four columns": ("t,y\n0,5,1,25\n1,5,2,5\n", r"is 4, but 2 on line 1: .*if commas are decimal marks here"),
    "an index or x": (",a,b\n0.5,5,1\n1.5,6,2\n", r"the first has no name and may be an index, and 3 of its columns"),
    "header or data": ("t,2020\n1,5\n2,6\n", r"line 1 may be a header, because of 't', or data, because of '2020'"),
    "a damaged first row": ("1,2x\n2,3\n3,4\n", r"line 1 may be a header, because of '2x'"),
    "day or month": ("d,y\n1/2/2024,1\n3/4/2024,2\n", r"'1/2/2024' is day 1 of month 2 or day 2 of month 1"),
}


@pytest.mark.parametrize(("content", "message"), TWO_READINGS.values(), ids=TWO_READINGS)
def test_what_has_two_readings_is_refused_with_both(read, content, message):
    with pytest.raises(InputError, match=message):
        read(content)


REFUSED = {
    "percent sometimes": ("t,y\n1,2%\n2,3.5\n", r"line 2, column 'y': '2%' is not a number$"),
    "brackets for minus": ("t,y\n1,(5)\n2,3\n", r"line 2, column 'y': '\(5\)' is not a number$"),
    "lakhs": ('t,y\n1,"1,00,000"\n2,3\n', r"'1,00,000' is not a number"),
    "booleans": ("t,y\n1,True\n2,False\n", r"fewer than two columns hold numbers.*'True' in column 'y' is neither"),
    "hexadecimal": ("t,y\n1,0x1F\n2,0x2\n", r"'0x1F' in column 'y' is neither a number nor a date"),
    "times of day": ("t,y\n10:00,5\n11:00,3\n", r"'10:00' in column 't' is neither a number nor a date as 2024-12-31$"),
    "months": ("t,y\nJan 2024,5\nFeb 2024,3\n", r"'Jan 2024' in column 't' is neither a number nor a date"),
    "dates as y": ("a,b\n2024-01-01,2024-01-01\n2024-01-02,2024-01-02\n", r"fewer than two columns hold numbers"),
    "no such day": ("d,y\n2024-01-01,1\n2024-02-30,2\n", r"line 3, column 'd': '2024-02-30' is not a date$"),
    "zones": ("d,y\n2024-01-01 10:00,1\n2024-01-01 11:00Z,2\n", r"has a time zone and .* has none"),
    "three rows of names": ("a,b\nc,d\ne,f\n1,2\n2,3\n", r"line 3, column 'a c': 'e' is not a number$"),
    "a sum below": ("t,y\n1,2\n2,3\nTotal,5\n", r"line 4, column 't': 'Total' is not a number$"),
    "a comment that touches": ("t,y\n1,2# ok\n2,3\n", r"'2# ok' is not a number"),
    "comments only": ("# a\n# b\n", r"the file holds comments only: it must hold two columns of numbers$"),
    "a workbook by another name": (b"PK\x03\x04abc", r"it is a zip archive or a workbook, not text: save or unpack"),
    "null characters": ("t,y\n1,\0\n2,3\n", r"line 2: not text; give a delimited text file$"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_is_refused(read, content, message):
    with pytest.raises(InputError, match=message):
        read(content)


@pytest.mark.parametrize("mark", ["-", "--", "?", "n/a", "#N/A", "#DIV/0!", "missing", "–", "1.#QNAN"])
@pytest.mark.parametrize("sep", [",", "\t"])
def test_marks_of_missing_values(read, mark, sep):
    text = f"t{sep}y\n1{sep}{mark}\n{mark}{sep}2\n3{sep}4\n5{sep}6\n"
    with pytest.raises(InputError, match=r"line 3, column 't': the value is missing \(.*; fill it, or leave"):
        read(text)
    assert points(read(text, missing="drop")) == [(3, 4), (5, 6)]


# -- dates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("2024-02-28", "2024-03-01", 2),
        ("2024/2/28", "2024/3/1", 2),
        ("28.02.2024", "1.3.2024", 2),
        ("2/28/2024", "3/1/2024", 2),
        ("28/2/2024", "1/3/2024", 2),
        ("2024-02-28 00:00", "2024-02-29 12:00", 1.5),
        ("2024-02-28T00:00:00", "2024-02-28T00:00:00.5", 0.5 / 86400),
        ("2024-02-28T02:00+02:00", "2024-02-28T06:00Z", 0.25),
        ("1850-02-28", "1850-03-01", 1),
    ],
)
def test_dates(read, first, second, days):
    data = read(f"day,y\n{second},2\n{first},1\n")
    assert points(data) == [(0, 1), (days, 2)]
    assert data.origin is not None
    assert data.from_x(0.0) == data.origin.at


def test_missing_dates_are_dropped(read):
    assert points(read("d,y\n2024-01-01,1\nNA,5\n2024-01-03,2\n", missing="drop")) == [(0, 1), (2, 2)]


def test_dates_in_another_unit(read):
    assert points(read("d,y\n2024-01-01,1\n2024-01-03,2\n", unit="hours")) == [(0, 1), (48, 2)]


# -- what the user says ----------------------------------------------------------------------------------

SAID = {
    "blank": ("0,100 200,500\n0,200 300,500\n", {"sep": "space"}, [(0.1, 200.5), (0.2, 300.5)]),
    "comma": ("0,100 200,500\n1,300 400,500\n", {"sep": ",", "x": 0, "y": 2}, [(0, 500), (1, 500)]),
    "other separator": ("1.5:2.5\n2.5:3.5\n", {"sep": ":"}, [(1.5, 2.5), (2.5, 3.5)]),
    "tab by name": ("1 2\t3\n3 4\t5\n", {"sep": "tab", "thousands": "none"}, None),
    "decimal": ("t;y\n1;1.234\n2;2.345\n", {"decimal": "."}, [(1, 1.234), (2, 2.345)]),
    "thousands": ("t;y\n1;1.234\n2;2.345\n", {"thousands": "."}, [(1, 1234), (2, 2345)]),
    "no thousands": ("t;y\n1;1,234\n2;2,345\n", {"thousands": "none"}, [(1, 1.234), (2, 2.345)]),
    "no header": ("2020,2021\n1,2\n", {"header": "none"}, [(1, 2), (2020, 2021)]),
    "a header of numbers": ("t,2020\n1,2\n3,4\n", {"header": 1}, [(1, 2), (3, 4)]),
    "a header further down": ("1,2,3\nx\n\nt,y\n1,2\n3,4\n", {"header": 4}, [(1, 2), (3, 4)]),
    "comments": ("; c\nt,y\n1,2\n3,4; d\n", {"comment": ";"}, [(1, 2), (3, 4)]),
    "no comments": ("#,y\n1,2\n3,4\n", {"comment": "none"}, [(1, 2), (3, 4)]),
    "encoding": ("t,y°\n1,2\n3,4\n".encode("latin-1"), {"encoding": "latin-1", "y": "y°"}, [(1, 2), (3, 4)]),
}


@pytest.mark.parametrize(("content", "options", "expected"), SAID.values(), ids=SAID)
def test_what_the_user_says_holds(read, content, options, expected):
    if expected is None:
        with pytest.raises(InputError):
            read(content, **options)
    else:
        assert points(read(content, **options)) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": "ab"}, r"csv: sep is 'ab': it must be one character such as ',' or ';', or 'tab' or 'space'$"),
        ({"sep": "1"}, r"sep is '1'"),
        ({"sep": ""}, r"sep is '': it must be a text that is not empty$"),
        ({"sep": 5}, r"sep is 5: it must be a text"),
        ({"decimal": ";"}, r"decimal is ';': it must be one of '\.', ','$"),
        ({"thousands": "x"}, r"thousands is 'x': it must be ',', '\.', \"'\", 'space' or 'none'$"),
        ({"decimal": ",", "thousands": ","}, r"decimal and thousands are both ',': they must differ$"),
        ({"header": 0}, r"header is 0: it must be the number of a line, counted from 1, or 'none'$"),
        ({"header": "top"}, r"header is 'top'"),
        ({"header": True}, r"header is True"),
        ({"header": 9}, r"header is 9: line 9 must hold the names of the columns, but it is blank$"),
        ({"encoding": "utf-99"}, r"encoding is 'utf-99': it must be the name of one, for example 'latin-1'$"),
        ({"encoding": "rot13"}, r"encoding is 'rot13'"),
        ({"weights": "w"}, r"weights is 'w': no such column; its columns are 't', 'y'$"),
        ({"weights": "y"}, r"fewer than two columns hold numbers"),
        ({"weights": "y", "x": "t", "y": "y"}, r"y and weights are both column 'y': name two columns"),
        ({"unit": "days"}, r"unit is 'days', but x holds no dates: leave it out$"),
    ],
)
def test_what_the_user_may_not_say(read, options, message):
    with pytest.raises(InputError, match=message):
        read("t,y\n1,2\n2,3\n", **options)


def test_a_column_of_weights(read):
    data = read("t,w,y\n1,2,5\n2,0.5,6\n", weights="w")
    assert points(data) == [(1, 5), (2, 6)]
    np.testing.assert_array_equal(data.weights, [2, 0.5])
    with pytest.raises(InputError, match=r"line 3, column 'w': the weight is 0: every weight must be > 0; leave"):
        read("t,y,w\n1,2,1\n2,3,0\n", weights="w")
    with pytest.raises(InputError, match=r"line 3, column 'w': the cell is empty"):
        read("t,y,w\n1,2,1\n2,3,\n3,4,1\n", weights="w")


@pytest.mark.parametrize("encoding", ["punycode", "idna"])
def test_encodings_that_are_none_of_files(read, encoding):
    with pytest.raises(InputError) as refusal:
        read("t,y\n1,2\n2,3-\n", encoding=encoding)
    assert "\n" not in str(refusal.value)


def test_an_encoding_that_is_not_that_of_the_file(read):
    with pytest.raises(InputError, match=r"line 1: not ascii text; say which with encoding= \(--encoding\)$"):
        read("t,y°\n1,2\n2,3\n", encoding="ascii")


# -- long files ------------------------------------------------------------------------------------------


def long(tmp_path, *tail: str, head: str = "t;y\n", line: str = "{0};{1}\n") -> Path:
    path = tmp_path / "long.csv"
    path.write_text(head + "".join(line.format(i, i % 7) for i in range(5000)) + "".join(tail))
    return path


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ("5;abc\n", r"line 2502, column 'y': 'abc' is not a number$"),
        ("5\n", r"line 2502: the number of cells is 1, but 2 on line 1"),
        ("5;6;7\n", r"line 2502: the number of cells is 3"),
        ("5;inf\n", r"line 2502, column 'y': 'inf' is infinite"),
        ("5;1e999\n", r"line 2502, column 'y': '1e999' is infinite"),
        ("5;\n", r"line 2502, column 'y': the cell is empty"),
        ("5;1,234\n", r"line 2502, column 'y': '1,234' is 1\.234 .* or 1234"),
        ("5;1.234\n", r"line 2502, column 'y': '1\.234' is 1\.234 .* or 1234"),
        ("5;True\n", r"line 2502, column 'y': 'True' is not a number"),
    ],
)
def test_one_odd_row_in_the_middle_of_a_long_file_is_found(tmp_path, odd, message):
    path = long(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2501], odd, *lines[2501:]]))
    with pytest.raises(InputError, match=message):
        Samples.from_csv(path)


@pytest.mark.parametrize("short", ["5\n", "5;6\n", "5;6;7;8\n"])
@pytest.mark.parametrize("sep", [";", " ", ","])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_too_short_or_too_long_is_refused_also_where_missing_cells_are_dropped(tmp_path, short, sep, quote):
    path = long(tmp_path, head="t;y;z\n", line=f"{quote}{{0}}{quote};{{1}};ann\n")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2501], short, *lines[2501:]]).replace(";", sep))
    with pytest.raises(InputError, match=r"line 2502: the number of cells is [124], but 3 on line 1"):
        Samples.from_csv(path, missing="drop")


def test_a_long_log_with_repeated_headers(tmp_path):
    path = long(tmp_path, "t;y\n", "7000;3\n")
    assert len(Samples.from_csv(path)) == 5001


def test_long_columns_keep_their_names_dates_weights_and_rows(tmp_path):
    path = tmp_path / "long.csv"
    days = np.datetime64("2020-01-01") + np.arange(3000)
    path.write_text("d,y,w\n" + "".join(f"{day},{i % 5}.5,{1 + i % 2}\n" for i, day in enumerate(days)) + "NA,1,1\n")
    data = Samples.from_csv(path, weights="w", missing="drop")
    np.testing.assert_array_equal(data.x, np.arange(3000))
    np.testing.assert_array_equal(data.weights, 1 + np.arange(3000) % 2)
    assert (data.x_name, data.y_name) == ("d", "y")
