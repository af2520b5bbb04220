"""What makes numba compile in less time: typing rules that are tried first, and no machine code for parts of kernels.

numba looks for the type of a[i], a + b, a < b or max(a, b) among its rules for strings, lists, dates and units too,
which takes a seventh of the time to compile. A rule for this very target comes before all others. For arrays and
numbers the rules below say what numba's own say.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.typing.arraydecl import GetItemBuffer, SetItemBuffer
from numba.core.typing.builtins import BinOp, BinOpTrueDiv, OrderedCmpOp, UnorderedCmpOp
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.cpython.builtins import do_minmax
from numba.extending import lower_builtin

__all__ = ["Part"]


@infer_global(operator.getitem)
class _ArrayItem(GetItemBuffer):
    metadata = {"target": "CPU"}  # noqa: RUF012

    def generic(self, args: Any, kws: Any) -> Any:
        return super().generic(args, kws) if isinstance(args[0], types.Array) else None


@infer_global(operator.setitem)
class _SetArrayItem(SetItemBuffer):
    metadata = {"target": "CPU"}  # noqa: RUF012

    def generic(self, args: Any, kws: Any) -> Any:
        return super().generic(args, kws) if isinstance(args[0], types.Array) else None


def _numbers_first(function: Callable[..., Any], rules: type[Any]) -> None:
    """The rules of an operator, for numbers alone."""

    def apply(self: Any, args: Any, kws: Any) -> Any:
        return rules.apply(self, args, kws) if all(isinstance(each, types.Number) for each in args) else None

    infer_global(function)(type("_Numbers", (rules,), {"metadata": {"target": "CPU"}, "apply": apply}))


for _function in (operator.add, operator.iadd, operator.sub, operator.isub, operator.mul, operator.imul):
    _numbers_first(_function, BinOp)
for _function in (operator.truediv, operator.itruediv):
    _numbers_first(_function, BinOpTrueDiv)
for _function in (operator.lt, operator.le, operator.gt, operator.ge):
    _numbers_first(_function, OrderedCmpOp)
for _function in (operator.eq, operator.ne):
    _numbers_first(_function, UnorderedCmpOp)


def _extreme(function: Callable[..., Any], comparison: Callable[..., Any]) -> None:
    """The same for max and min of two real numbers, of which numba compiles a function at each call."""

    @infer_global(function)
    class _(AbstractTemplate):
        metadata = {"target": "CPU"}  # noqa: RUF012

        def generic(self, args: Any, kws: Any) -> Any:
            if kws or len(args) != 2 or not all(isinstance(each, types.Integer | types.Float) for each in args):
                return None
            kind = self.context.unify_types(*args)
            return signature(kind, kind, kind)

    @lower_builtin(function, types.Number, types.Number)
    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return do_minmax(context, builder, sig.args, args, comparison)


_extreme(max, operator.gt)
_extreme(min, operator.lt)


class _PartLibrary(JITCodeLibrary):
    """LLVM code that is linked into that of its callers; no machine code is made of it alone."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """There is none: 0."""
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        """What numba asks to write down where the function's constants are: without machine code there is no place."""
        return _Nowhere


class _Nowhere:
    @staticmethod
    def set_env(name: str, env: object) -> None:
        pass


class Part(CompilerBase):
    """numba's compiler for what only compiled code calls."""

    def define_pipelines(self) -> list[Any]:
        """numba's own passes, which find the library."""
        self.state.library = _PartLibrary(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]
