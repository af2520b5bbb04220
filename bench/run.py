"""The benchmark: every number beside its rival and its floor, measured in the same run."""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from rich.console import Console

from bench import compare, flow_grid, flows, footprint, kernels, landscape, reading, rivals, segmented, splines, starts
from bench.cases import CASES
from bench.extras import optimisers, scaling
from bench.races import measure, ratios_table, times_table
from bench.tables import Table


def machine() -> dict[str, object]:
    """What the numbers were measured on and with."""
    import torch

    packages = ("knotflow", "numpy", "numba", "torch", "jax")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "floor_vectorised": rivals.floor_is_vectorised(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def write(out: Path, host: dict, tables: list[Table], values: dict) -> None:
    """`bench.json` with every number and `bench.md` with every table."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps({"machine": host, **values}, indent=2) + "\n")
    heading = ", ".join(f"{key} {value}" for key, value in host.items())
    sections = [f"Measured on: {heading}.", "", *(table.markdown() for table in tables)]
    (out / "bench.md").write_text("\n".join(sections))


def main() -> None:
    """Run everything, print tables, write them, and fail if the contenders disagree."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small cases and few rounds: two or three minutes")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="where results are written")
    parser.add_argument("--against", type=Path, help="a former bench.json to compare with (default: the one in --out)")
    args = parser.parse_args()
    before = compare.load(args.against or args.out / "bench.json")
    rounds = 2 if args.quick else 5
    largest = 25_000 if args.quick else 1_000_000
    console, began, host = Console(), perf_counter(), machine()
    console.print(", ".join(f"{key} {value}" for key, value in host.items()), highlight=False)

    results = []
    for case in (case for case in CASES if case.s <= 100 or not args.quick):
        console.print(f"timing {case.name} ...")
        results.append(measure(case, rounds))
    growth, growth_values = scaling(rounds, largest)
    others, other_values = optimisers(rounds)
    rest, rest_values = footprint.overheads(repeats=rounds)
    console.print("timing first calls ...")
    first, first_values = starts.table()
    tables = [times_table(results), ratios_table(results), growth, others, rest, first]
    rooms = {}
    for room in (flows, flow_grid, kernels, splines, segmented, landscape, reading):
        console.print(f"timing {room.__name__.removeprefix('bench.')} ...")
        for table, numbers in room.tables(rounds):
            tables.append(table)
            rooms[table.title] = numbers
    values = {
        "cases": [asdict(result) for result in results],
        "scaling": growth_values,
        "optimisers_ns": other_values,
        "overheads": rest_values,
        "starts": first_values,
        "rooms": rooms,
    }
    if before:
        tables.append(compare.table(before, values))
    for table in tables:
        table.show(console)
    write(args.out, host, tables, values)
    console.print(f"{perf_counter() - began:.0f} s; written to {args.out}/bench.json and {args.out}/bench.md")
