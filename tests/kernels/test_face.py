"""The face of the room: every name by its own module, loaded when it is used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import knotflow as kf


def test_every_name_is_there():
    assert dir(kf.kernels) == kf.kernels.__all__ == sorted(set(kf.kernels.__all__))
    for name in kf.kernels.__all__:
        assert not inspect.ismodule(getattr(kf.kernels, name)), name


def test_types_and_loader_agree():
    """What a type checker reads is what is loaded."""
    tree = ast.parse(Path(kf.kernels.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        node.module.rpartition(".")[2]: tuple(alias.name for alias in node.names)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert typed == kf.kernels._WHERE


def test_a_kernel_needs_no_scipy():
    code = "import sys, knotflow as kf; kf.kernels.rf('gaussian')([0.0, 1.0]); print('scipy.linalg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
