"""What each entry is: of which kind what it says of the paper is, from which mistake it comes, and what it compares.

A statement that does not hold as printed is one of `ROOTS`: entries of one root speak of one mistake, so that roots
count mistakes and entries count the places where they are felt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

ERROR, HYPOTHESIS, SLIP = "error", "missing hypothesis", "slip of notation"
OVER_READING, ADDITION = "over-reading", "addition"
KINDS: Mapping[str, str] = {
    ERROR: "the statement is wrong",
    HYPOTHESIS: "it holds under a condition that is not printed",
    SLIP: "a sign, a factor, a letter or a word; what is meant holds",
    OVER_READING: "the paper can be read so that it holds: the entry reads more into it",
    ADDITION: "the paper does not say this: the entry goes on from it",
}

ALONE, ORACLE, PARTS, RUNS = "the paper alone", "against an oracle", "two parts of knotflow", "runs of knotflow"
COMPARED: Mapping[str, str] = {
    ORACLE: "numbers of knotflow against an oracle that shares no code with them",
    RUNS: "networks trained by knotflow against what the paper says of training",
    PARTS: "two parts of knotflow against each other",
    ALONE: "the paper's formulas against an oracle; no number is knotflow's",
}


@dataclass(frozen=True)
class Root:
    """One mistake, reading or addition.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    cause : str
        What is wrong, or what is true, in a sentence.
    ids : tuple of str
        The entries that come from it.
    """

    kind: str
    cause: str
    ids: tuple[str, ...]


# fmt: off
ROOTS = (
    Root(ERROR, "there are 2s arcs, the dead one among them", ("W Arcs", "W Active sets")),
    Root(ERROR, "an arc's field is sinusoidal in θ", ("W C-9 linear",)),
    Root(ERROR, "which samples attract: side, facing and sign of r", (
        "W Jump", "W Lemma 2", "W V-14", "W Lemma 2 colours", "W Lemma 2 ends", "W Concentration",
    )),
    Root(ERROR, "neurons gather in smooth minima within arcs, too, or die", ("W Gather",)),
    Root(ERROR, "the weight √(1 + x²) of the curvature's norm", ("W V-17", "W V-17 boundary", "W §5 spaces")),
    Root(ERROR, "α does not decide which component dominates", ("W C-14 α = o(m)",)),
    Root(ERROR, "at δ = +∞ the flow is that of the plane's metric, not the canonical one", ("W δ → +∞",)),
    Root(ERROR, "the weight is |a|³ μ_a, not |a| μ_a: the density of knots times E[a² | knot]", (
        "W Thm 5 weight", "W V-33", "W V-38", "S footnote 2", "S footnote 2 fit", "W Thm 5 Gaussian",
    )),
    Root(ERROR, "the tangent kernel's functions have corners at the samples", ("W Cor 6 spline",)),
    Root(ERROR, "the norm that goes with a term of the tangent kernel", ("W Cor 6 norm",)),
    Root(ERROR, "what grows with width is |δ|/2q, not δ", ("W Fig 8",)),
    Root(ERROR, "H breakpoints make H + 1 pieces", ("S §2.1 pieces",)),
    Root(ERROR, "Σμ² belongs to the parameters, not to the function", ("S §2.2 roughness", "S §3.4 width")),
    Root(ERROR, "the rate of a mean of random terms is H^(−1/2)", ("S Eq 3", "S §2.6.3 single")),
    Root(ERROR, "Cauchy breakpoints have no mean and no variance", ("S §1.1 spread",)),
    Root(ERROR, "the degree in all parameters jointly is 4", ("S Thm 3 joint",)),
    Root(ERROR, "which facings an interpolant can have", ("S Lemma 1 proof", "S Cor 3 facings")),
    Root(ERROR, "the probability of a lonely partition is the complement of the printed one, with a factor ½", (
        "S Remark 1", "S Remark 1 limit",
    )),
    Root(ERROR, "from He's start partitions are not lonely", ("S A.3 He",)),
    Root(ERROR, "zeros of the spectrum are counted twice", ("S Remark 2.2 v",)),
    Root(ERROR, "the two cumulative sums have an affine sum", ("S §2.5.2 reflection",)),
    Root(ERROR, "the factor 1 + β² moves the extrema", ("S §2.5.2 extrema",)),
    Root(ERROR, "μ is continuous where its rate's parts jump", ("S §2.6.2 continuity",)),
    Root(ERROR, "for low α the flow stops before it interpolates", ("S §2.6.3 linear",)),
    Root(ERROR, "a printed experiment comes out otherwise", (
        "S Table 1", "S Table 3 sine", "S A.4 rate", "S Table 2", "S Table 2 linear",
    )),
    Root(HYPOTHESIS, "arctan knows half of the directions; atan2 knows all", ("W Eq 5",)),
    Root(HYPOTHESIS, "neurons of one direction have one sign of r", ("W Γ",)),
    Root(HYPOTHESIS, "an affine part costs something: it must be free of charge, or be counted", (
        "W V-17 solutions", "W V-17 lines", "W Thm 5 norm", "W Thm 5 line", "W Fig 4 ends", "W Fig 4", "S Cor 4",
        "S Eq 9", "S Cor 4 ends", "S Cor 4 exact", "S Lemma 4", "S §2.1.1 weights",
    )),
    Root(HYPOTHESIS, "δᵢ ≥ 0, or r ≠ 0", ("W Lemma 3 unique",)),
    Root(HYPOTHESIS, "the support covers the data, and ν is constant there", (
        "W Thm 5 radial", "W Thm 5 union", "W A.1 ends",
    )),
    Root(HYPOTHESIS, "every weight wᵢ is different from 0", ("S Remark 2.2 w",)),
    Root(HYPOTHESIS, "the laws of weights and biases are symmetric", ("S Lemma 3",)),
    Root(HYPOTHESIS, "the neuron sees a sample on either side", ("S Thm 3 curvature", "S Thm 3 types")),
    Root(HYPOTHESIS, "one parameter moves alone, and the slice is in β", ("S §2.3 flow",)),
    Root(HYPOTHESIS, "every vᵢ is different from 0", ("S Thm 4 ⇒", "S Eq 4", "S Thm 5 PSD", "S Cor 3")),
    Root(HYPOTHESIS, "the gradient of the neuron is 0", ("S Remark 2.1", "S Remark 2 elsewhere")),
    Root(HYPOTHESIS, "the size |w| of each neuron is known", ("S Thm 6 start", "S Lemma 2 metric")),
    Root(HYPOTHESIS, "the features have full rank", ("S §2.6.1 lonely",)),
    Root(SLIP, "the knot b/a is −v/u, not v/u", ("W Sec 2.3 knot",)),
    Root(SLIP, "the rays of a sample: their angles are −arctan x and π − arctan x", ("W Angles", "W V-40")),
    Root(SLIP, "f is needed on the samples only, not as a function of finite energy on the line", ("W Sec 2.1 space",)),
    Root(SLIP, "an angle stands for its direction, or a letter for another one", ("W Half-circles", "W Lemma 7 proof")),
    Root(SLIP, "factors m and α between the clocks of the flows", ("W V-11 factor",)),
    Root(SLIP, "the flow goes down the potential: signs of ∇V and of P", ("W C-8 sign", "W Prop 4", "W C-14")),
    Root(SLIP, "Σ_k is a second moment of a Jacobian, no covariance", ("W Prop 1 covariance",)),
    Root(SLIP, "the statement is printed for the canonical parameters", ("W D.1 full",)),
    Root(SLIP, "signs and factors 1/α of the gradient (46)", ("W V-46", "W Lemma 7 δ'")),
    Root(SLIP, "q = αr/m stands for r", ("W V-45", "W Prop 8", "W Regimes", "W §4 criterion")),
    Root(SLIP, "J Jᵀ, the order of the factors, and the sign of ∂θ", ("W Prop 8 proof", "W V-47")),
    Root(SLIP, "PyTorch's outer weights are U(−1/√m, 1/√m)", ("W App D start",)),
    Root(SLIP, "a power of u in a term", ("W Cor 6 identity",)),
    Root(SLIP, "one sign in the radial kernel", ("W V-26",)),
    Root(SLIP, "across a gap f changes by the gap times f'", ("W V-31",)),
    Root(SLIP, "x for u in a feature", ("W A.2 Taylor",)),
    Root(SLIP, "a law is not normalised", ("W Thm 5 law", "S B.4 uniform variance", "S B.4 uniform kurtosis")),
    Root(SLIP, "radially means towards the origin, too", ("W Fig 6",)),
    Root(SLIP, "the jump of f' is sᵢμᵢ", ("S §2.1 magnitude",)),
    Root(SLIP, "the start that was run is PyTorch's, not He's", ("S A.1 default", "S App 1 (ii)")),
    Root(SLIP, "the row space, not the range", ("S §2.4 range",)),
    Root(SLIP, "ε is f − y in the flow, y − f elsewhere", ("S Eq 6", "S Eq 7", "S §2.5.2 ψ", "S Eq 10")),
    Root(SLIP, "f'' for f", ("S §2.6.2 f",)),
    Root(OVER_READING, "the paper's case is δ ≪ 0", ("W §3.3 α = 1",)),
    Root(OVER_READING, "a breakpoint at a sample is excluded as a set of measure 0", ("S B.7 at a sample",)),
    Root(OVER_READING, "the equation is printed for the flow of measures, not for (7)", ("W Prop 1",)),
    Root(OVER_READING, "a neuron with w = 0 has no breakpoint, and is left out tacitly", ("S Eq 1",)),
    Root(OVER_READING, "the range of x can be read to include the pins", ("S Cor 4 pins",)),
    Root(OVER_READING, "theorem 1 has random biases; the initializers cited beside it have none", (
        "S §2.2.1 bias", "S App 1 bias",
    )),
    Root(OVER_READING, "the theorem says cubic spline for knots that cover the data, not natural spline", (
        "W Thm 5 spline", "W Thm 5 interval",
    )),
    Root(ADDITION, "the law of (a, b, c) may have c depend on (a, b)", ("W V-27 limit",)),
    Root(ADDITION, "what the paper leaves open", ("W V-24 start", "S Thm 7 general", "S §2.7 flow")),
    Root(ADDITION, "10,000 steps are not the end", ("W Fig 4 epochs",)),
    Root(ADDITION, "the same statement for the flow of (a, b, c), its clock and its descent in steps", (
        "W Prop 1 full", "W Jump size full", "W Lemma 3 descent", "W C-8 clock",
    )),
    Root(ADDITION, "when c may change its sign", ("W Sign",)),
    Root(ADDITION, "descent has no limit where a neuron slides into a = b = 0", ("X Origin limit",)),
)
# fmt: on

_COMPARED = {
    ALONE: (
        "W V-14", "W Gather", "W Prop 4", "W Prop 8 proof", "W C-14", "W Cor 6 identity", "W V-30", "W A.2 Taylor",
        "S §2.1 base", "S Eq 3", "S Lemma 3", "S B.7 Hessian of f", "S B.7 at a sample", "S Thm 5 definite",
        "S §2.5.2 extrema",
    ),
    PARTS: (
        "W C-8 clock", "W Regimes", "W §3.3 α = 1", "W Thm 5 norm", "W Fig 4 ends", "W Cor 6 spline", "W Cor 6 norm",
        "W V-40", "W V-45", "W Lemma 3 unique", "S §1.1 spread", "S §2.6.2 f", "S Cor 4", "S Cor 4 limit", "S Lemma 4",
    ),
    RUNS: (
        "W Sign", "W Lazy", "W C-14 kernel", "W Fig 5", "W Fig 7", "W Fluctuations", "S Lemma 2", "S §2.6 mobility",
        "S §2.6.3 linear", "S §2.6.3 single", "S §3.4 width", "S §3.4 variance", "S §3.5 regimes", "S Table 1",
        "S Table 2", "S Table 2 linear", "S Table 3", "S Table 3 sine", "S A.4 rate",
    ),
}  # fmt: skip


@cache
def roots() -> dict[str, Root]:
    """The root of every entry that has one, by the entry's id."""
    return {name: root for root in ROOTS for name in root.ids}


@cache
def compared() -> dict[str, str]:
    """What every entry compares that is listed, by the entry's id; the others compare with an oracle."""
    return {name: kind for kind, names in _COMPARED.items() for name in names}
