"""Both papers, reproduced: every figure and table as an experiment that computes its own verdict, and the ledger.

    kf.papers.experiments()                      # by name, found in the modules of the papers' packages
    outcomes = kf.papers.reproduce(kf.papers.select(["williams2019"]), "out", quick=True)
    kf.papers.write_report(outcomes, "out/report.html")
    data = kf.papers.compute(experiment)         # its xarray.Dataset alone, nothing is written
    kf.papers.ledger.entries()                   # every statement of both papers with its check

This package is a client of `knotflow`, which has it as ``kf.papers``. On the command line: ``knotflow list``,
``knotflow reproduce [NAME...]``, ``knotflow video NAME``, ``knotflow ledger [ID...]``.

reproduction  what an experiment is, how its trials are run, and the page of all of them
ledger        what an entry is, how it is checked, and the table of all of them
williams2019  the figures and the ledger's entries of this paper, and what they share
sahs2022      the figures, the tables and the ledger's entries of this paper, and what they share

To add an experiment, add a module to ``<paper>/figures/`` or ``<paper>/tables/``; nothing else changes. Its name
follows from the paper's key and the item: "williams2019-figure-4". Its functions are at the top level of the module,
because other processes load them by name; ``p`` is the namespace of the parameters' values::

    PARAMETERS = {
        "m": printed((20, 200, 2000), "appendix D", quick=(20, 200)),        # quick=: its value with --quick
        "seeds": chosen(5, "the paper does not say", quick=2),
    }

    def trials(p):                       # independent units: mappings of labels (numbers or strings)
        return product(m=p.m, seed=range(p.seeds))

    def run(p, trial):                   # seeded by its arguments; returns numbers and (dims, array)
        rng = np.random.default_rng([trial["m"], trial["seed"]])
        ...
        return {"loss": loss, "x": ("x", grid), "f": ("x", net(grid)), "knot": ("neuron", net.knots)}

    def draw(p, data):                   # data: xarray.Dataset, data.f has dims (m, seed, x); returns a Figure
        figure, axes = panels.grid(1, 3)
        ...

    def check(p, data):                  # what must hold; printed=True: of the protocol or formula as printed
        return [Check.below("largest distance at m = 2000", float(...), 0.05),
                Check.above("loss of the printed protocol", float(...), 0.1, printed=True)]

    EXPERIMENT = experiment(__name__, item="Figure 8", title=..., claim=..., where="section 4, Figure 8")

`experiment` takes these parts from the module, and ``table``, ``descents``, ``film`` and ``gather`` if they are there.
The verdict follows from the checks by one rule, see `Verdict`. Arrays of unequal length along a dimension are filled
up with nan, and so are combinations of labels without a trial. Raise ``version=`` when ``run`` changes: finished
trials are kept by experiment, version and parameters. A quick run of an item should take a second or two, a full one
less than 15 s.
"""

from knotflow_papers import ledger
from knotflow_papers.reproduction.experiment import (
    Descent,
    Experiment,
    Paper,
    Parameter,
    Settings,
    Trial,
    chosen,
    experiment,
    printed,
    product,
)
from knotflow_papers.reproduction.outcome import Outcome, Step
from knotflow_papers.reproduction.page import write_report
from knotflow_papers.reproduction.registry import experiments, select
from knotflow_papers.reproduction.runner import compute, reproduce
from knotflow_papers.reproduction.verdict import Check, Verdict

__all__ = [
    "Check",
    "Descent",
    "Experiment",
    "Outcome",
    "Paper",
    "Parameter",
    "Settings",
    "Step",
    "Trial",
    "Verdict",
    "chosen",
    "compute",
    "experiment",
    "experiments",
    "ledger",
    "printed",
    "product",
    "reproduce",
    "select",
    "write_report",
]


def __dir__() -> list[str]:
    return __all__
