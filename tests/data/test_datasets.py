"""The data sets that come with knotflow."""

from __future__ import annotations

import numpy as np
import pytest

from knotflow.data import datasets
from knotflow.errors import InputError


def test_shipped_data():
    motorcycle, nile = datasets.motorcycle(), datasets.nile()
    assert repr(motorcycle) == (
        "Samples(133 points, time (ms) in [2.4, 57.6], acceleration (g) in [-134, 75]; 94 distinct x)"
    )
    assert motorcycle.y[0] == 0.0
    assert (len(nile), nile.range, nile.y[0], nile.y[-1]) == (100, (1871.0, 1970.0), 1120.0, 740.0)
    assert (nile.x_name, nile.y_name) == ("year", "flow (1e8 m³)")
    assert nile.y.sum() == 91_935


def test_each_data_set_is_known_by_name_with_its_source_and_licence():
    assert datasets.names() == ("motorcycle", "nile") == tuple(datasets.DATASETS)
    for name in datasets.names():
        np.testing.assert_array_equal(datasets.load(name).y, getattr(datasets, name)().y)
        record = datasets.DATASETS[name]
        assert record.name == name
        assert "GPL" in record.licence
        assert "19" in record.source
    with pytest.raises(InputError, match="name is 'mcycle': it must be one of 'motorcycle', 'nile'"):
        datasets.load("mcycle")
