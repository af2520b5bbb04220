"""The rooms stand on floors: a room imports from rooms below it, never from one above or beside it.

Every import statement counts, those within functions too; not those for types alone (TYPE_CHECKING). What is loaded
by name through `knotflow._lazy` is no import statement: that is how a face names what lies above it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
FLOORS = (
    ("_version", "_typing", "_lazy", "_files", "_deprecated", "errors", "engine"),
    ("_checks", "_extras", "_lanczos", "_values"),
    ("_paths",),
    ("_derivative", "data"),
    ("network",),
    ("laws", "segmented", "deep", "multivariate", "views"),
    ("initial",),
    ("splines", "dynamics"),
    ("kernels", "landscape", "compare"),
    ("plots",),
    ("report",),
    ("fitting",),
    ("knotflow_papers", "papers", "warm_up"),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FLOOR[""] = FLOOR["fitting"]  # the face, which names everything up to there


def room(module: str) -> str:
    """The room of a module: that of "knotflow.data.csv" is "data", that of the face is ""."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "knotflow" else package


def floor(module: str) -> int:
    return FLOOR.get(room(module), len(FLOORS))


def imports(path: Path) -> Iterator[str]:
    """The absolute names of the modules that a file of ours imports, except for types."""

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if is_module(name) else str(node.module) for name in inner)
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    yield from (name for name in visit(ast.parse(path.read_text("utf-8"))) if name.startswith("knotflow"))


def is_module(name: str) -> bool:
    path = SOURCE.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def modules() -> dict[str, Path]:
    paths = [*SOURCE.glob("knotflow/**/*.py"), *SOURCE.glob("knotflow_papers/**/*.py")]
    return {".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


MODULES = modules()
ARROWS = [(module, target) for module, path in MODULES.items() for target in imports(path)]


def test_every_room_has_its_floor() -> None:
    assert {room(module) for module in MODULES} <= {*FLOOR}


def test_a_room_imports_from_lower_floors_only() -> None:
    wrong = [(m, t) for m, t in ARROWS if room(m) != room(t) and floor(t) >= floor(m)]
    assert sorted(f"{module} -> {target}" for module, target in wrong) == []


def test_no_module_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for module, target in ARROWS:
        if target in MODULES and module != target:
            graph[module].add(target)
    TopologicalSorter(graph).prepare()
