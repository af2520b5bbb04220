"""The exact flow against integrators and descent that end equally close to the same function."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from scipy.integrate import solve_ivp

import knotflow as kf
from bench.tables import Table, nanoseconds, verdict

_INTEGRATORS = ("DOP853", "LSODA")
_TOLERANCES = (1e-6, 1e-8, 1e-10, 1e-12)
_PATIENCE = 10.0  # seconds for one rival


@dataclass(frozen=True)
class Run:
    """A flow to time, the error that everybody has to reach, and how many times faster than descent it should be."""

    name: str
    net: kf.ReLUNet
    data: kf.Samples
    until: float
    error: float
    rtol: float
    lr: float | None  # of descent, where its error is measured; None: half the stability bound, which is extrapolated
    target: float | None


def square_wave() -> kf.Samples:
    x = np.linspace(-1, 1, 10)
    return kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))


def start(m: int, norm: float | None = None) -> kf.ReLUNet:
    return kf.initial.pytorch(m, np.random.default_rng(0), norm=m**0.5 if norm is None else norm)


def wavy(s: int) -> kf.Samples:
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 1, s))
    return kf.Samples(x, np.sin(6 * x) + 0.1 * rng.normal(size=s))


def runs() -> tuple[Run, ...]:
    """The cases with descent as the rival."""
    return (
        Run("m=1,000 s=10 T=1,000", start(1_000), square_wave(), 1000.0, 1e-6, 1e-6, 1e-2, 50),
        Run("m=100,000 s=50 T=100, norm 1", start(100_000, 1.0), wavy(50), 100.0, 1e-5, 1e-6, None, 10),
        Run("m=100,000 s=50 T=100", start(100_000), wavy(50), 100.0, 1e-5, 2e-6, 2e-2, None),
    )


def seconds(call) -> tuple[float, object]:
    began = perf_counter()
    value = call()
    return perf_counter() - began, value


def quickest(call, rounds: int) -> tuple[float, object]:
    """The least seconds of several calls, and the value."""
    return min((seconds(call) for _ in range(rounds)), key=lambda pair: pair[0])


def flow(net: kf.ReLUNet, data: kf.Samples, until: float, rtol: float) -> kf.Trajectory:
    return kf.evolve(net, data, kf.GradientFlow(rtol), until=until, save_at=[])


def apart(f, g, data: kf.Samples) -> float:
    """The largest distance of two functions on a fine grid over the data."""
    grid = np.linspace(*data.range, 4001)
    return float(np.abs(f(grid) - g(grid)).max())


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """Every table of the flow."""
    flow(start(10), square_wave(), 0.1, 1e-6)  # compiles
    return [integrators(rounds), descent(rounds), long_runs(rounds)]


# -- against integrators ---------------------------------------------------------------------------------


def integrators(rounds: int) -> tuple[Table, dict]:
    """m = 200, s = 10, T = 100 to 1e-6, against SciPy on the raw 3m equations."""
    net, data, until, wanted = start(200), square_wave(), 100.0, 1e-6
    truth = flow(net, data, until, 1e-12).final
    ours = min(seconds(lambda: flow(net, data, until, 1e-7))[0] for _ in range(rounds))
    reached = apart(flow(net, data, until, 1e-7).final, truth, data)
    rows, values = [("knotflow", "1e-07", f"{reached:.1e}", nanoseconds(1e9 * ours), "")], {"knotflow": [ours, reached]}
    for method in _INTEGRATORS:
        for rtol in _TOLERANCES:
            took, error = _scipy(net, data, until, method, rtol, truth)
            values[f"{method} {rtol:g}"] = [took, error]
            if error is None or error <= wanted or rtol == _TOLERANCES[-1]:
                break
        got = "not reached" if error is None else f"{error:.1e}"
        rows.append((method, f"{rtol:g}", got, nanoseconds(1e9 * took), verdict(took / ours, 50, at_most=False)))
    took, events = _diffrax_event(net, data), int(flow(net, data, until, 1e-7).events.size)
    values["diffrax event"] = took
    each, many = ours / events, f"{took * events / ours:,.0f}x"
    rows.append(
        (f"diffrax, one event of {events}", "", f"ours: {nanoseconds(1e9 * each)}", nanoseconds(1e9 * took), many)
    )
    columns = ("m=200 s=10 T=100, error 1e-6", "rtol", "error", "time", "knotflow faster")
    return Table("The flow against SciPy's solve_ivp and diffrax", columns, tuple(rows)), values


def _jax_field(net, data):
    """The raw equations on jax, in double precision, and the start."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    m, x, y = len(net), jnp.asarray(data.x), jnp.asarray(data.y)

    def field(_t, z, _args):
        a, b, c = z[:m], z[m : 2 * m], z[2 * m :]
        pre = x[:, None] * a - b
        on = pre > 0
        r = (jnp.where(on, pre, 0.0) @ c) / net.norm - y
        q1, q0 = (r * x) @ on / net.norm, r @ on / net.norm
        return jnp.concatenate([-c * q1, c * q0, -(q1 * a - q0 * b)])

    return field, jnp.concatenate([net.a, net.b, net.c])


def _diffrax_event(net, data) -> float:
    """Seconds, compilation left out, that diffrax takes to its first event: a knot at a sample, located by bisection.

    After an event an integration begins again, so this is the cost of each.
    """
    import diffrax
    import jax
    import jax.numpy as jnp
    import optimistix

    field, z = _jax_field(net, data)
    m, x = len(net), jnp.asarray(data.x)
    sides = jnp.sign(x[:, None] * z[:m] - z[m : 2 * m])

    def nearest(t, y, args, **_):
        return jnp.min(sides * (x[:, None] * y[:m] - y[m : 2 * m]))

    event = diffrax.Event(nearest, optimistix.Bisection(1e-8, 1e-8))

    @jax.jit
    def solve(z):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(field), diffrax.Tsit5(), 0.0, 1.0, 1e-3, z, event=event,
            stepsize_controller=diffrax.PIDController(rtol=1e-6, atol=1e-8), max_steps=100_000,
        ).ts[-1]  # fmt: skip

    solve(z).block_until_ready()
    return seconds(lambda: np.asarray(solve(z)))[0]


class _LateError(Exception):
    pass


def _scipy(net, data, until, method, rtol, truth) -> tuple[float, float | None]:
    """Seconds and error of one integration; given up (error None) after `_PATIENCE` seconds."""
    m, x, y, norm = len(net), data.x, data.y, net.norm
    began = perf_counter()

    def right_side(_t, z):
        if perf_counter() - began > _PATIENCE:
            raise _LateError
        a, b, c = z[:m], z[m : 2 * m], z[2 * m :]
        pre = np.multiply.outer(x, a) - b
        on = pre > 0
        r = (np.where(on, pre, 0.0) @ c) / norm - y
        q1, q0 = (r * x) @ on / norm, r @ on / norm
        return np.concatenate([-c * q1, c * q0, -(q1 * a - q0 * b)])

    try:
        end = solve_ivp(
            right_side, (0, until), np.concatenate([net.a, net.b, net.c]), method=method, rtol=rtol, atol=1e-2 * rtol
        ).y[:, -1]
    except _LateError:
        return perf_counter() - began, None
    took = perf_counter() - began
    return took, apart(kf.ReLUNet(end[:m], end[m : 2 * m], end[2 * m :], norm), truth, data)


# -- against descent -------------------------------------------------------------------------------------


def descent(rounds: int) -> tuple[Table, dict]:
    """The flow against knotflow's own descent, at the step that ends as close to the flow; extrapolated from a larger
    one by error ~ lr (see the convergence tests)."""
    rows, values = [], {}
    for run in runs():
        truth = flow(run.net, run.data, run.until, 0.1 * run.rtol).final
        ours, end = quickest(lambda: flow(run.net, run.data, run.until, run.rtol), min(rounds, 2))  # noqa: B023
        error = apart(end.final, truth, run.data)
        needed, how = descends(run, truth)
        faster = verdict(needed / ours, run.target, at_most=False) if run.target else f"{needed / ours:.3g}x"
        rows.append(
            (run.name, f"{error:.1e}", nanoseconds(1e9 * ours), f"{end.events.size:,}", how, f"{needed:,.1f} s", faster)
        )
        values[run.name] = {"seconds": ours, "error": error, "descent": needed, "events": int(end.events.size)}
    columns = ("case", "error", "flow", "events", "descent", "descent to the same", "flow faster")
    return Table("The flow against descent that ends as close to it (extrapolated)", columns, tuple(rows)), values


def descends(run: Run, truth: kf.ReLUNet) -> tuple[float, str]:
    """Seconds that descent needs to end within the error, and where that comes from."""
    if run.lr is None:  # already the largest stable step takes this long, and nothing is known of its error
        lr, steps = 0.5 * kf.stability_limit(run.net, run.data), 5_000
        took, _ = seconds(lambda: kf.evolve(run.net, run.data, kf.GradientDescent(lr), steps=steps, save_at=[]))
        return took / steps * run.until / lr, f"lr={lr:.1e}, half its bound: at least"
    steps = round(run.until / run.lr)
    took, down = seconds(lambda: kf.evolve(run.net, run.data, kf.GradientDescent(run.lr), steps=steps, save_at=[]))
    off = apart(down.final, truth, run.data)
    return took * off / run.error, f"error {off:.1e} at lr={run.lr:g}"


def long_runs(rounds: int) -> tuple[Table, dict]:
    """A stiff run against descent at its stability bound; a fine one and a very wide one on the clock."""
    rows, values = [], {}
    net, data = start(2_000).with_delta(-1e4), wavy(20)
    bound = kf.stability_limit(net, data)
    until = 1e8 * bound / 2
    ours, run = quickest(lambda: flow(net, data, until, 1e-6), rounds)
    steps = 100_000
    each = seconds(lambda: kf.evolve(net, data, kf.GradientDescent(bound), steps=steps, save_at=[]))[0] / steps
    rows.append(
        (
            "m=2,000 s=20, T = 1e8 / lambda_max, rtol 1e-6",
            nanoseconds(1e9 * ours),
            f"{run.steps[-1]:,}",
            f"descent at the bound: {5e7 * each:,.0f} s (extrapolated)",
            verdict(5e7 * each / ours, 1000, at_most=False),
        )
    )
    values["stiff"] = {"seconds": ours, "descent": 5e7 * each}
    for name, m, samples, end, rtol in (
        ("m=1,000 s=10 T=1,000, rtol 1e-8", 1_000, square_wave(), 1000.0, 1e-8),
        ("m=1,000,000 s=50 T=10, rtol 1e-5", 1_000_000, wavy(50), 10.0, 1e-5),
    ):
        took, run = seconds(lambda: flow(start(m), samples, end, rtol))  # noqa: B023
        rows.append((name, nanoseconds(1e9 * took), f"{run.steps[-1]:,}", f"{run.events.size:,} events", ""))
        values[name] = {"seconds": took, "steps": int(run.steps[-1]), "events": int(run.events.size)}
    return Table("Stiff, long and wide runs", ("case", "flow", "steps", "", "flow faster"), tuple(rows)), values
