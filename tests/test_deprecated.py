"""Old ways of calling: they work, with a warning at the caller's line that names the new one."""

from __future__ import annotations

import warnings

import pytest

from knotflow._deprecated import keyword_only


@keyword_only("width", "exact")
def example(data, *, width=1, exact=False):
    """What it does."""
    return data, width, exact


def test_keywords_are_taken_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert example(3, width=2, exact=True) == (3, 2, True)
        assert example(data=3) == (3, 1, False)
    assert example.__doc__ == "What it does."


def test_positions_are_taken_with_a_warning():
    with pytest.warns(DeprecationWarning, match=r"^example takes width=\.\.\. by keyword$") as seen:
        assert example(3, 2) == (3, 2, False)
    assert seen[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"^example takes width=\.\.\., exact=\.\.\. by keyword$"):
        assert example(3, 2, True) == (3, 2, True)
    with pytest.warns(DeprecationWarning, match=r"width=\.\.\. by keyword"):
        assert example(3, 2, exact=True) == (3, 2, True)


def test_too_many_and_double_ones_are_refused():
    with pytest.raises(TypeError, match="positional argument"):
        example(3, 2, True, 4)
    with pytest.warns(DeprecationWarning, match="by keyword"), pytest.raises(TypeError, match="multiple values"):
        example(3, 2, width=2)
