"""The largest eigenvalue of a symmetric operator, by Lanczos iterations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from knotflow._typing import Array

__all__ = ["largest_eigenvalue"]


def largest_eigenvalue(product: Callable[[Array], Array], start: Array) -> float:
    """The largest eigenvalue of a symmetric matrix given by its product with a vector, to 1e-10 of it.

    The iterations begin with `start`, whose length is the matrix's order. It must not lie in the null space.
    """
    order = len(start)
    if order == 1:  # ARPACK refuses it
        return float(product(np.ones(1))[0])
    from scipy.sparse.linalg import LinearOperator, eigsh  # loaded here: most callers need no Lanczos

    operator = LinearOperator((order, order), matvec=lambda v: product(v.ravel()), dtype=np.float64)
    return float(eigsh(operator, k=1, which="LA", v0=start, tol=1e-10, return_eigenvectors=False)[0])
