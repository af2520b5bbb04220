"""The compiled product: one signature of each kernel, whatever the network and the vector."""

from __future__ import annotations

import numpy as np

from helpers.landscapes import lopsided
from knotflow.landscape import HessianProduct, hessian_product


def test_every_kernel_is_compiled_once():
    for case, train in (((17, 12, 4), {"a", "b", "c", "bias"}), ((3, 9, 1), {"a", "c"})):
        product = HessianProduct(*lopsided(*case), train)
        for v in (np.ones(product.shape[0]), np.ones(product.shape[0], dtype=int), np.ones(2 * product.shape[0])[::2]):
            v.setflags(write=False)
            product @ v
    kernels = [f for f in vars(hessian_product).values() if hasattr(f, "py_func")]
    own = {f.py_func.__name__: len(f.signatures) for f in kernels if f.py_func.__module__ == hessian_product.__name__}
    assert own["multiply"] == 1
    assert max(own.values()) == 1  # 0 for those that came with `multiply` from the cache
