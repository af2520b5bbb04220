"""Samples, and where they come from.

samples    Samples: sorted, validated, ties merged (`Samples.distinct`)
weighting  what weights count as: frequencies or precisions
scaling    Scaling: the user's units and standardised units
csv        reading two columns of a delimited text file, with messages that name the line
targets    the target functions of the papers, by name
datasets   the data sets that come with knotflow (public as `kf.datasets`)
"""

from __future__ import annotations

from knotflow.data import datasets
from knotflow.data.samples import Distinct, Samples
from knotflow.data.scaling import Scaling
from knotflow.data.targets import targets

__all__ = ["Distinct", "Samples", "Scaling", "datasets", "targets"]
