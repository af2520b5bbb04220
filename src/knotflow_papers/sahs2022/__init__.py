"""The figures and tables of Sahs et al. (2022), one module each."""

from knotflow_papers.reproduction.experiment import Paper

PAPER = Paper(
    key="sahs2022",
    cite="Sahs et al. (2022)",
    title="Shallow Univariate ReLU Networks as Splines: Initialization, Loss Surface, Hessian, and Gradient Flow "
    "Dynamics",
    venue="Frontiers in Artificial Intelligence 5; arXiv:2008.01772",
    year=2022,
    url="https://arxiv.org/abs/2008.01772",
)
