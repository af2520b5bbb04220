"""The figures of Williams et al. (2019), one module each; numbered as in the arXiv version, which has all of them."""

from knotflow_papers.reproduction.experiment import Paper

PAPER = Paper(
    key="williams2019",
    cite="Williams et al. (2019)",
    title="Gradient Dynamics of Shallow Univariate ReLU Networks",
    venue="NeurIPS 2019; arXiv:1906.07842",
    year=2019,
    url="https://arxiv.org/abs/1906.07842",
)
