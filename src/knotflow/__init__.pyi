# Written by tools/stubs.py (make stubs) from __init__.py: change that.
import knotflow_papers

from . import compare as compare
from . import data as data
from . import deep as deep
from . import dynamics as dynamics
from . import estimators as estimators
from . import initial as initial
from . import kernels as kernels
from . import landscape as landscape
from . import laws as laws
from . import multivariate as multivariate
from . import plots as plots
from . import report as report
from . import segmented as segmented
from . import splines as splines
from . import views as views
from ._version import __version__ as __version__
from .data import Samples as Samples
from .data import datasets as datasets
from .data import targets as targets
from .dynamics import SGD as SGD
from .dynamics import Adam as Adam
from .dynamics import CanonicalFlow as CanonicalFlow
from .dynamics import GradientDescent as GradientDescent
from .dynamics import GradientFlow as GradientFlow
from .dynamics import LazyFlow as LazyFlow
from .dynamics import MeanFieldFlow as MeanFieldFlow
from .dynamics import Trajectory as Trajectory
from .dynamics import evolve as evolve
from .dynamics import gradient as gradient
from .dynamics import gradient_flow_gap as gradient_flow_gap
from .dynamics import load_trajectory as load_trajectory
from .dynamics import stability_limit as stability_limit
from .errors import DivergenceWarning as DivergenceWarning
from .errors import InputError as InputError
from .errors import KnotflowError as KnotflowError
from .errors import StabilityWarning as StabilityWarning
from .fitting import Fit as Fit
from .fitting import fit as fit
from .network import ReLUNet as ReLUNet
from .plots import animate as animate

papers = knotflow_papers
