"""Without the libraries of an extra, the core works, and what needs them says how to install them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LIBRARIES = (
    *("matplotlib", "imageio_ffmpeg", "jinja2", "typer", "rich", "xarray", "autograd", "torch"),
    *("openpyxl", "pyarrow"),
)
NEED = {
    "kf.plots": ("matplotlib", "matplotlib", "plots"),
    "kf.report": ("matplotlib", "matplotlib", "plots"),
    "kf.papers": ("matplotlib", "matplotlib", "plots"),
    "from knotflow.plots import fit_plot": ("matplotlib", "matplotlib", "plots"),
    "from knotflow.plots.animate import _encoder\nwith _encoder('film.mp4', 30): pass": (
        "imageio_ffmpeg",
        "imageio-ffmpeg",
        "plots",
    ),
    "from knotflow.report import html; html.environment()": ("jinja2", "Jinja2", "report"),
    "import knotflow.cli": ("typer", "Typer", "cli"),
    "from knotflow_papers.reproduction.dataset import grid; grid([], [])": ("xarray", "xarray", "papers"),
    "kf.papers.ledger.entries()": ("autograd", "autograd", "papers"),
    "kf.ReLUNet([1.0], [0.0], [1.0]).to_torch()": ("torch", "PyTorch", "torch"),
}


def python(code: str, *, without: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run code in a process where `without` cannot be imported."""
    block = f"import sys; sys.modules.update(dict.fromkeys({without!r})); import knotflow as kf\n"
    return subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", NEED)
def test_what_needs_a_library_names_the_command_that_installs_it(code: str) -> None:
    module, library, extra = NEED[code]
    done = python(code, without=(module,))
    sentence = f'this needs {library}, which is not installed: pip install "knotflow[{extra}]"'
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"knotflow.errors.MissingLibraryError: {sentence}"


def test_the_command_ends_in_one_sentence() -> None:
    done = python("from knotflow.__main__ import main; sys.exit(main())", without=("typer",))
    sentence = 'error: this needs Typer, which is not installed: pip install "knotflow[cli]"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", sentence)


def test_other_missing_modules_stay_what_they_are() -> None:
    done = python("import knotflow.plots", without=("numpy",))
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError")


def test_the_core_needs_none_of_them(tmp_path) -> None:
    """Data, networks, descent, splines and fits, with every library of the extras out of reach."""
    (tmp_path / "data.csv").write_text("x,y\n0,0\n1,1\n2,0\n3,2\n")
    code = f"""
data = kf.Samples.from_csv({str(tmp_path / "data.csv")!r})
fit = kf.fit(data, regime="kernel", width=10, steps=5)
assert fit._repr_html_() is None and "kernel" in repr(fit)
rooms = set(kf.__all__) - {{"animate", "papers", "plots", "report"}}
print(len([getattr(kf, name) for name in rooms]), kf.splines.natural(data)(1.5).shape)
"""
    done = python(code, without=LIBRARIES)
    assert done.returncode == 0, done.stderr
