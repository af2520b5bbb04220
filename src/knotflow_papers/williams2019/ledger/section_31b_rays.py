"""Section 3.1: what happens to a neuron at the ray of a sample."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
from autograd import grad

import knotflow as kf
from knotflow.dynamics import mean_field
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import Array, Case, Rng, case, output, relative, slope

SIDE = 1e-9  # radians from a ray


def _rays(x: Array) -> Array:
    """(s, 2): the angles of each sample's right-facing and left-facing ray."""
    return np.stack([-np.arctan(x), np.pi - np.arctan(x)], axis=1)


def _pushed(k: Case, r: float, theta: float) -> Array:
    """(r', theta') of a probe in mean-field time, by autograd of its share in the loss."""

    def share(w: Array) -> float:
        return w[0] * anp.dot(k.residuals, anp.maximum(k.x * anp.cos(w[1]) + anp.sin(w[1]), 0.0))

    return -grad(share)(np.array([r, theta]))


def _turned(k: Case, n: float, c: float, theta: float) -> float:
    """theta' of a probe (a, b, c) with hypot(a, b) = n under the flow (2), by autograd."""

    def share(z: Array) -> float:
        return z[2] / k.net.norm * anp.dot(k.residuals, anp.maximum(z[0] * k.x - z[1], 0.0))

    a, b = n * np.cos(theta), -n * np.sin(theta)
    da, db, _ = -grad(share)(np.array([a, b, c]))
    return (b * da - a * db) / n**2


def _role(before: float, after: float) -> str:
    """From the angular velocities on the two sides of a ray."""
    if before > 0 > after:
        return "attractor"
    return "repeller" if before < 0 < after else "passthrough"


@claim(
    "W Jump size",
    place="after the jump of ∇V, before arXiv (14)",
    statement="the only discontinuity is in the angular direction, of magnitude |r ρ_*| |x̃_*|",
    oracle="autograd on both sides of every ray",
)
def jump_size(rng: Rng) -> Outcome:
    k, r, worst = case(rng), 1.3, 0.0
    for j, pair in enumerate(_rays(k.x)):
        size = abs(r * k.residuals[j]) * np.hypot(1, k.x[j])
        for theta in pair:
            truth = _pushed(k, r, theta + SIDE) - _pushed(k, r, theta - SIDE)
            found = np.diff(np.stack(mean_field.velocity(k.net, k.data, r, theta + SIDE * np.array([-1, 1]))))[:, 0]
            worst = largest(worst, float(np.max(np.abs(found - truth))), abs(truth[0]), abs(abs(truth[1]) - size))
    return holds(float(worst / np.abs(k.residuals).max()), tol=1e-6)


@claim(
    "W Jump size full",
    place="after the jump of ∇V, read for the flow (2)",
    statement="θ' jumps by |r ρ_*| |x̃_*| (printed for the canonical parameters)",
    corrected="by |c ρ_*| |x̃_*| / (α n), n² = a² + b²: the smaller (a, b), the faster the turn",
    oracle="autograd's gradient of (a, b, c) on both sides of every ray",
)
def jump_size_full(rng: Rng) -> Outcome:
    k = case(rng)
    n, c = rng.uniform(0.3, 1.5, 2)
    r = 12 / k.net.norm * c * n
    jumps, delta = [], c**2 - n**2
    # knotflow's time is that of norm = m and of parameters √(m/α) times as large: r is the same, δ and θ' are m/α times
    unit = 12 / k.net.norm
    for j, pair in enumerate(_rays(k.x)):
        for theta in pair:
            truth = _turned(k, n, c, theta + SIDE) - _turned(k, n, c, theta - SIDE)
            sides = theta + SIDE * np.array([-1, 1])
            found = np.diff(mean_field.velocity(k.net, k.data, r, sides, "full", unit * delta)[1])[0] / k.net.norm
            size = abs(k.residuals[j]) * np.hypot(1, k.x[j])
            jumps.append([abs(truth), abs(found), size * abs(r), size * abs(c) / (k.net.norm * n)])
    true, ours, printed, correct = np.transpose(jumps)
    off = relative(printed, true)
    note = f"α = 2.2, m = 12, n = {n:.2f}, c = {c:.2f}: off by {off:.2g} of the largest jump"
    return corrected(off, relative(correct, true), relative(ours, true), tol=1e-6, note=note)


@claim(
    "W Attraction's direction",
    place="before arXiv eq (14)",
    statement="a ray attracts or repels along the direction x̃_*: there lies the jump of the velocity in the plane",
    oracle="autograd's (r', θ') on both sides, turned into (u', v') by differences of (u, v)",
)
def direction(rng: Rng) -> Outcome:
    k, worst = case(rng), 0.0

    def planar(r: float, theta: float) -> Array:
        dr, dtheta = 1e-6 * _pushed(k, r, theta)
        ends = [abs(r + e * dr) * np.array([np.cos(theta + e * dtheta), np.sin(theta + e * dtheta)]) for e in (-1, 1)]
        return (ends[1] - ends[0]) / 2e-6

    for j, pair in enumerate(_rays(k.x)):
        for theta, r in zip(pair, (0.8, -1.3), strict=True):
            jump = planar(r, theta + SIDE) - planar(r, theta - SIDE)
            sides = theta + SIDE * np.array([-1, 1])
            found = np.diff(np.stack(mean_field.velocity(k.net, k.data, r, sides, plane=True)))[:, 0]
            across = abs(jump[0] - jump[1] * k.x[j]) / (np.hypot(*jump) * np.hypot(1, k.x[j]))
            worst = largest(worst, across, float(np.max(np.abs(found - jump)) / np.hypot(*jump)))
    return holds(worst, tol=1e-5)


@claim(
    "W Lemma 2 colours",
    place="lemma 2, before arXiv eq (14)",
    statement="a sample is an attractor or a repulsor, whatever the neuron",
    corrected="a ray that attracts neurons of one sign of r repels those of the other; the facings differ, too",
    oracle="autograd's angular velocity of probes of either sign on both sides of every ray",
)
def lemma_2_colours(rng: Rng, quick: bool) -> Outcome:
    same = wrong = rays = samples = split = 0
    for _ in range(15 if quick else 150):
        k = case(rng)
        table = {
            (row["sample"], row["facing"], row["sign"]): row["role"] for row in mean_field.sample_roles(k.net, k.data)
        }
        for j in range(1, 5):
            seen = {}
            for facing, theta in zip(("right", "left"), _rays(k.x)[j], strict=True):
                roles = [_role(_pushed(k, e, theta - SIDE)[1], _pushed(k, e, theta + SIDE)[1]) for e in (1, -1)]
                wrong += sum(table[j, facing, e] != role for e, role in zip((1, -1), roles, strict=True))
                seen[facing] = roles[0]
                rays += roles[0] != "passthrough"
                same += roles[0] == roles[1] != "passthrough"
            samples += set(seen.values()) != {"passthrough"}
            split += len(set(seen.values())) == 2
    note = f"all {rays} such rays have both roles; {split} of {samples} samples act on one facing only"
    return corrected(1 - same / rays, float(wrong), tol=0.0, note=note)


@claim(
    "W Lemma 2 full",
    place="lemma 2, section 3.2",
    statement="attractors and repulsors are the same under (2): whatever α and δ",
    oracle="autograd's gradient of (a, b, c) of probes with δ from −10 to 10 on both sides of every ray",
    trials=(50, 5),
)
def lemma_2_full(rng: Rng) -> Outcome:
    wrong = 0
    k = case(rng, norm=float(rng.choice([0.7, 3.5, 12.0])))
    for row in mean_field.sample_roles(k.net, k.data):
        if row["role"] in ("death", "dead border"):
            continue
        delta = rng.uniform(-10, 10)
        n = np.exp(rng.normal(0, 0.5)) + np.sqrt(max(-delta, 0))
        c = row["sign"] * np.sqrt(n**2 + delta)
        theta = _rays(k.x)[row["sample"], int(row["facing"] == "left")]
        wrong += _role(_turned(k, n, c, theta - SIDE), _turned(k, n, c, theta + SIDE)) != row["role"]
    return holds(float(wrong), tol=0.0)


@claim(
    "W Lemma 2 ends",
    place="lemma 2, k = 1 and k = s",
    statement="with an empty sum the condition 0 > −ρₖ²|x̃ₖ|² holds: x₁ and x_s are always attractors or repulsors",
    corrected="these are the borders of the dead arc: neurons with ερₖ > 0 run into it and stay, others leave",
    oracle="autograd's angular velocity on both sides: 0 in the dead arc",
)
def lemma_2_ends(rng: Rng, quick: bool) -> Outcome:
    changes = wrong = deaths = count = 0
    for _ in range(20 if quick else 200):
        k = case(rng)
        table = mean_field.sample_roles(k.net, k.data)
        for j, facing, inside in ((5, "right", 1), (0, "left", -1)):
            theta = _rays(k.x)[j, int(facing == "left")]
            for sign in (1, -1):
                alive, dead = (_pushed(k, sign, theta + e * inside * SIDE)[1] for e in (1, -1))
                row = table[(table["sample"] == j) & (table["facing"] == facing) & (table["sign"] == sign)][0]
                runs_in = alive * inside < 0
                wrong += row["role"] != ("death" if runs_in else "dead border") or dead != 0
                changes += alive * dead < 0
                deaths += runs_in
                count += 1
    note = f"θ' changes its sign at {changes} of {count} such borders; at {deaths} the neuron dies"
    return corrected(1 - changes / count, float(wrong), tol=0.0, note=note)


@claim(
    "W Concentration",
    place="after lemma 2",
    statement="mass concentrates at samples with a residual of opposite sign from a weighted mean of their neighbours'",
    corrected="the mean is over all samples on the active side, with weights 1 + xᵢxₖ of either sign, and is bounded",
    oracle="autograd's angular velocity on both sides of the rays; the neighbours' mean weighted by 1/distance",
)
def concentration(rng: Rng, quick: bool) -> Outcome:
    printed = wrong = count = 0
    for _ in range(15 if quick else 150):
        k = case(rng)
        rho, x = k.residuals, k.x
        table = mean_field.sample_roles(k.net, k.data)
        for j in range(1, 5):
            truth = [
                _role(_pushed(k, e, q - SIDE)[1], _pushed(k, e, q + SIDE)[1]) for q in _rays(x)[j] for e in (1, -1)
            ]
            roles = table["role"][table["sample"] == j]
            wrong += list(roles) != truth
            around = rho[j - 1] / (x[j] - x[j - 1]) + rho[j + 1] / (x[j + 1] - x[j])
            printed += (rho[j] * around < 0) != ("attractor" in truth)
            count += 1
    note = f"opposite signs tell attractors from others wrongly at {printed} of {count} samples"
    return corrected(printed / count, float(wrong), tol=0.0, note=note)


@claim(
    "W Footnote 1",
    place="footnote 1",
    statement="where L has a kink the flow follows its Clarke subdifferential; elsewhere it is −∇L",
    oracle="plain descent on autograd's gradient in steps of 10⁻³, along a run in which neurons slide on rays",
)
def footnote_1(rng: Rng) -> Outcome:
    # three samples that pull knots from both sides to the middle one
    x, y = np.array([-1.0, 0.1, 1.0]), np.array([1.0, -1.0, 1.0])
    a, b, c = np.array([[1.0, 1.0, -1.0], [-0.1, 0.4, 0.1], [0.3, -0.4, 0.4]])
    k = Case(kf.ReLUNet(a, b, c, 1.0), kf.Samples(x, y), x, y)
    run = kf.evolve(k.net, k.data, kf.GradientFlow(), until=3.0)
    assert np.any(run.events["kind"] == "stick")
    z = k.z
    for _ in range(3000):
        z = z - 1e-3 * slope(k, z)
    return holds(relative(run.final(x), output(z, x, 1.0)), tol=1e-2)
