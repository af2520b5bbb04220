"""How far apart functions are, and what tells one trained network from another.

distance   distances(f, data): to every spline of the data (kf.splines.compare is the same function);
           sup_distance(net, spline)
summary    summarise(net, data): loss, roughness, knots, distances; NUMBERS says what each is
"""

from __future__ import annotations

from knotflow.compare.distance import Distance, distances, sup_distance
from knotflow.compare.summary import NUMBERS, Number, summarise

__all__ = ["NUMBERS", "Distance", "Number", "distances", "summarise", "sup_distance"]
