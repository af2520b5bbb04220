"""Atomic writing: the old file or the new one, never a part."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from knotflow._files import atomic_write


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "run.npz"
    with atomic_write(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.suffix == ".npz"
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["run.npz"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    def write_half() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("par")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="early"), atomic_write(tmp_path / "x"):
        raise RuntimeError("early")
    assert list(tmp_path.iterdir()) == []


def test_the_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")
    with atomic_write(tmp_path / "atomic") as temporary:
        temporary.write_text("")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_two_writers_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "f") as one, atomic_write(tmp_path / "f") as two:
        assert one != two
        one.write_text("one")
        two.write_text("two")
    assert (tmp_path / "f").read_text() == "one"  # the outer block ends last
