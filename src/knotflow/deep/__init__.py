"""Deep univariate ReLU networks, seen exactly.

    knots          the function of a network R -> R as a CPWL: every knot, value and slope
    origins        which hidden layer made each of these knots
    layers_of      the layers of a network, checked, from whatever holds them: `Layers`
    draw           a random start
    initial_knots  the knots of many random starts, by depth, as `InitialKnots`
    train          gradient descent in PyTorch, many trials side by side, as `Trained`

A network is a list of (W, b) pairs, one a layer: h <- W h + b, and ReLU after every layer but the last. Where
networks are read, a `ReLUNet` or a PyTorch module will do as well.
"""

from knotflow.deep.layers import Layers, layers_of
from knotflow.deep.propagation import knots, origins
from knotflow.deep.starts import InitialKnots, draw, initial_knots
from knotflow.deep.training import Trained, train

__all__ = ["InitialKnots", "Layers", "Trained", "draw", "initial_knots", "knots", "layers_of", "origins", "train"]
