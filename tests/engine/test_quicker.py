"""The rules that numba tries first say what its own say, and parts of kernels have no machine code of their own."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest

from knotflow.engine.compiled import inner

NUMBERS = [np.int32(3), np.int64(-5), 2, np.float64(-0.0), 0.0, np.nan, np.inf, 2.5, np.float32(1.5)]


@pytest.mark.parametrize("extreme", [max, min])
def test_the_extreme_of_two_numbers_is_that_of_python(extreme):
    compiled = numba.njit(lambda x, y: extreme(x, y))
    for x, y in itertools.product(NUMBERS, repeat=2):
        want = extreme(x, y)
        assert np.array(compiled(x, y), float).tobytes() == np.array(want, float).tobytes(), (x, y)


@pytest.mark.parametrize("extreme", [max, min])
def test_extremes_of_other_things_are_numbas(extreme):
    assert numba.njit(lambda x, y, z: extreme(x, y, z))(3, 1.5, 7) == extreme(3, 1.5, 7)
    assert numba.njit(lambda x: extreme(x))((3.0, 1.5)) == extreme(3.0, 1.5)
    assert numba.njit(lambda x, y: extreme(x, y))(True, False) is extreme(True, False)


def test_a_part_is_linked_into_each_of_its_callers():
    @inner
    def part(x):
        if x < 0:
            raise ValueError("x is negative")
        return np.sqrt(np.full(3, x)).sum()

    def caller(scale):
        return numba.njit(lambda x: scale * part(x))

    once, twice = caller(1.0), caller(2.0)
    assert (once(4.0), twice(4.0)) == (6.0, 12.0)
    (compiled,) = part.overloads.values()
    assert compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name) == 0
    with pytest.raises(ValueError, match="negative"):
        twice(-1.0)
