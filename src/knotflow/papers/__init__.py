"""Both papers, reproduced: every figure and table as an experiment that computes its own verdict.

    kf.papers.experiments()                      # by name, found in the modules of the papers' subpackages
    outcomes = kf.papers.reproduce(kf.papers.select(["williams2019"]), "reproduction", quick=True)
    kf.papers.write_report(outcomes, "reproduction/report.html")
    data = kf.papers.compute(experiment)         # its xarray.Dataset alone, nothing written

On the command line: ``knotflow list``, ``knotflow reproduce [NAME...]``, ``knotflow video NAME``.

Adding an experiment takes one module in ``papers/<paper>/`` and no change elsewhere (a module whose name begins
with _ is for what several share). It ends in ``EXPERIMENT = Experiment(...)``; its name is made of the paper's key
and the item, "williams2019-figure-4". All its functions are at the top level of the module, since they travel to
other processes; ``p`` is the namespace of the parameters' values::

    PARAMETERS = {
        "m": printed((20, 200, 2000), "appendix D", quick=(20, 200)),        # quick=: in place of it with --quick
        "seeds": chosen(5, "the paper does not say", quick=2),
    }

    def trials(p):                       # independent units: mappings of labels (numbers or strings)
        return product(m=p.m, seed=range(p.seeds))

    def run(p, trial):                   # seeded by its arguments; returns numbers and (dims, array)
        rng = np.random.default_rng([trial["m"], trial["seed"]])
        ...
        return {"loss": loss, "x": ("x", grid), "f": ("x", net(grid)), "knot": ("neuron", net.knots)}

    def draw(p, data):                   # data: xarray.Dataset, data.f has dims (m, seed, x); returns a Figure
        figure, axes = canvas.panels(1, 3)   # knotflow.papers.canvas, and the colours of knotflow.plots.style
        ...

    def check(p, data):                  # what must hold; printed=True: of the protocol or formula as printed
        return [Check.below("largest distance at m = 2000", float(...), 0.05),
                Check.above("loss of the printed protocol", float(...), 0.1, printed=True)]

    EXPERIMENT = Experiment(item="Figure 8", title=..., claim=..., citation=..., parameters=PARAMETERS,
                            trials=trials, run=run, draw=draw, check=check)

The verdict follows from the checks by one rule, see `Verdict`. Arrays of unequal length along a dimension are filled
up with nan, and so are combinations of labels without a trial. ``version=`` is to be raised when ``run`` changes:
finished trials are kept by experiment, version and parameters. A quick run of an item should take a second or two,
a full one less than 15 s.

experiment  the records: `Experiment`, `Parameter`, `Check`, `Verdict`;  `product` for trials
registry    the experiments there are
gathering   trials in files, and as one dataset
runner      processes, resuming, pictures
canvas      panels that look alike
page        the HTML report
"""

from knotflow.papers.experiment import (
    Check,
    Descent,
    Experiment,
    Paper,
    Parameter,
    Verdict,
    chosen,
    printed,
    product,
)
from knotflow.papers.page import write_report
from knotflow.papers.registry import experiments, select
from knotflow.papers.runner import Outcome, Step, compute, reproduce

__all__ = [
    "Check",
    "Descent",
    "Experiment",
    "Outcome",
    "Paper",
    "Parameter",
    "Step",
    "Verdict",
    "chosen",
    "compute",
    "experiments",
    "printed",
    "product",
    "reproduce",
    "select",
    "write_report",
]
