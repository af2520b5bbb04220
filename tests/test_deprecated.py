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
    said = r"^giving example its width by position is deprecated: use keywords: width=\.\.\.$"
    with pytest.warns(DeprecationWarning, match=said) as seen:
        assert example(3, 2) == (3, 2, False)
    assert seen[0].filename == __file__
    said = r"^giving example its width, exact by position is deprecated: use keywords: width=\.\.\., exact=\.\.\.$"
    with pytest.warns(DeprecationWarning, match=said):
        assert example(3, 2, True) == (3, 2, True)
    with pytest.warns(DeprecationWarning, match=r"use keywords: width=\.\.\.$"):
        assert example(3, 2, exact=True) == (3, 2, True)


def test_too_many_and_double_ones_are_refused():
    with pytest.raises(TypeError, match="positional argument"):
        example(3, 2, True, 4)
    with (
        pytest.warns(DeprecationWarning, match="by position is deprecated"),
        pytest.raises(TypeError, match="multiple values"),
    ):
        example(3, 2, width=2)
