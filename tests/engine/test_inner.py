"""Functions for compiled code alone."""

from __future__ import annotations

import pytest

from knotflow.engine.compiled import inner, kernel


@inner
def one_more(x):
    return x + 1.0


@kernel
def two_more(x):
    return one_more(one_more(x))


def test_compiled_code_calls_them_and_python_is_refused():
    for value in (1.0, 2.5):
        with pytest.raises(TypeError, match="one_more is called from Python: it must be called from compiled code"):
            one_more(value)
        assert two_more(value) == value + 2.0
