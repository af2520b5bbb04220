"""Samples, and where they come from.

samples    Samples: sorted, validated, ties merged (`Samples.distinct`)
scaling    Scaling: the user's units and standardised units
origin     Origin: what x counts where it is dates, durations or integers beyond 2^53
csv        columns of a delimited text file, with messages that name the line; the modules that it lists
frames     columns of DataFrames, workbooks and Parquet files
targets    the target functions of the papers, by name
datasets   the data sets that come with knotflow (public as `kf.datasets`)
"""

from __future__ import annotations

from knotflow.data import datasets
from knotflow.data.distinct import Distinct
from knotflow.data.origin import Origin
from knotflow.data.samples import Samples
from knotflow.data.scaling import Scaling
from knotflow.data.targets import targets

__all__ = ["Distinct", "Origin", "Samples", "Scaling", "datasets", "targets"]
