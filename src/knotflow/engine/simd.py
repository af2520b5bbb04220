"""SIMD: LANES doubles as one value, for loops that must run in vector instructions.

LLVM's own vectoriser gives up where it cannot prove that two arrays do not overlap. With the functions below a kernel
says itself what is done LANES at a time. The operators + - * / work as usual, the first three
of them also with a number on one side; a multiplication followed by an addition
may be fused. On machines with shorter registers LLVM splits each operation.

load, store                 LANES neighbouring numbers of an array
load_scalar, store_scalar   one number, with an index that is not checked
gather, unpack              from LANES places of an array into a vector; from a vector to scalars
load_pairs, add_pairs       the same for pairs of neighbouring numbers
splat                       one number in all lanes
reduce_add, absolute, square_root
greater, at_least           comparisons; masks combine with & | ^
select, movemask            what is done with a mask
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model
from numpy.typing import NDArray

LANES = 4
_LINE = 8  # doubles in a cache line
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_PAIR = ir.VectorType(ir.DoubleType(), 2)
_BITS = ir.VectorType(ir.IntType(1), LANES)
_INDEX = ir.IntType(32)
_EVEN, _ODD = (0, 4, 2, 6), (1, 5, 3, 7)  # places of two vectors' even elements in turn; of the odd ones
_FUSED = ("contract",)


def aligned(size: int) -> NDArray[np.float64]:
    """An array of ``size`` zeros in which no vector straddles two cache lines."""
    spare = np.zeros(size + _LINE)
    first = -spare.ctypes.data // spare.itemsize % _LINE
    return spare[first : first + size]


def _emitted(function: Callable[..., Any]) -> Any:
    """numba's ``intrinsic``. Calls leave out the typing context, which a type checker would miss."""
    return intrinsic(function)


class _Vector(types.Type):
    """LANES doubles."""


class _Mask(types.Type):
    """LANES booleans."""


vector, mask = _Vector("simd.vector"), _Mask("simd.mask")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _DOUBLES)


@register_model(_Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _BITS)


def _binary(function, kind, emit):
    """Define ``function`` (an operator) for two values of type ``kind``.

    The target makes numba try this template first: it would try all those of strings, lists and arrays before.
    """

    @infer_global(function)
    class _(AbstractTemplate):
        metadata = {"target": "CPU"}  # noqa: RUF012

        def generic(self, args, kws):
            return signature(kind, kind, kind) if args == (kind, kind) else None

    @lower_builtin(function, kind, kind)
    def lower(context, builder, sig, args):
        return emit(builder, *args)


def _mixed(function, emit):
    """Define ``function`` (an operator) for a number and a vector, in either order."""
    for left, right in ((types.float64, vector), (vector, types.float64)):

        @infer_global(function)
        class _(AbstractTemplate):
            metadata = {"target": "CPU"}  # noqa: RUF012
            kinds = (left, right)

            def generic(self, args, kws):
                return signature(vector, *args) if args == self.kinds else None

        @lower_builtin(function, left, right)
        def lower(context, builder, sig, args):
            both = [x if kind is vector else _spread(builder, x) for kind, x in zip(sig.args, args, strict=True)]
            return emit(builder, *both)


def _spread(builder, x):
    """The number x in all lanes."""
    first = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), x, _INDEX(0))
    return _shuffled(builder, first, first, *[0] * LANES)


for _operator in (operator.add, operator.iadd):
    _binary(_operator, vector, lambda builder, x, y: builder.fadd(x, y, flags=_FUSED))
for _operator in (operator.sub, operator.isub):
    _binary(_operator, vector, lambda builder, x, y: builder.fsub(x, y, flags=_FUSED))
_binary(operator.mul, vector, lambda builder, x, y: builder.fmul(x, y, flags=_FUSED))
_mixed(operator.add, lambda builder, x, y: builder.fadd(x, y, flags=_FUSED))
_mixed(operator.sub, lambda builder, x, y: builder.fsub(x, y, flags=_FUSED))
_mixed(operator.mul, lambda builder, x, y: builder.fmul(x, y, flags=_FUSED))
_binary(operator.truediv, vector, lambda builder, x, y: builder.fdiv(x, y))
_binary(operator.and_, mask, lambda builder, x, y: builder.and_(x, y))
_binary(operator.or_, mask, lambda builder, x, y: builder.or_(x, y))
_binary(operator.xor, mask, lambda builder, x, y: builder.xor(x, y))


def _address(context, builder, array_type, array, offset, kind=_DOUBLES):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), kind.as_pointer())


def _shuffled(builder, x, y, *places):
    """The elements at these places of x followed by y."""
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_INDEX, len(places)), places))


def _mapped(builder, name, x):
    """One of LLVM's own functions, applied to each lane."""
    kind = ir.FunctionType(_DOUBLES, [_DOUBLES])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64"), [x])


@_emitted
def load(typing, array, offset):
    """array[offset : offset + LANES]; neither is checked."""

    def emit(context, builder, sig, args):
        return builder.load(_address(context, builder, sig.args[0], *args), align=8)

    return vector(array, types.int64), emit


@_emitted
def store(typing, array, offset, value):
    """array[offset : offset + LANES] = value; nothing is checked."""

    def emit(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig.args[0], *args[:2]), align=8)
        return context.get_dummy_value()

    return types.none(array, types.int64, vector), emit


@_emitted
def load_scalar(typing, array, index):
    """array[index] for an index known not to be negative; it is not checked."""

    def emit(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(data, [args[1]]))

    return array.dtype(array, types.int64), emit


@_emitted
def store_scalar(typing, array, index, value):
    """array[index] = value, of the array's own type, for an index known not to be negative; it is not checked."""

    def emit(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.store(args[2], builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.none(array, types.int64, array.dtype), emit


@_emitted
def splat(typing, x):
    """x in all lanes."""

    def emit(context, builder, sig, args):
        return _spread(builder, *args)

    return vector(types.float64), emit


@_emitted
def gather(typing, array, k0, k1, k2, k3):
    """The vector of array[k_i]; no index is checked."""

    def emit(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        value = ir.Constant(_DOUBLES, ir.Undefined)
        for lane, k in enumerate(args[1:]):
            value = builder.insert_element(value, builder.load(builder.gep(data, [k])), _INDEX(lane))
        return value

    return vector(array, *[types.int64] * LANES), emit


@_emitted
def unpack(typing, x):
    """The lanes of a vector, as a tuple."""
    four = types.UniTuple(types.float64, LANES)

    def emit(context, builder, sig, args):
        return cgutils.pack_array(builder, [builder.extract_element(args[0], _INDEX(k)) for k in range(LANES)])

    return four(vector), emit


def _pairs(context, builder, array_type, array, indices):
    """The addresses of the pairs that begin at these indices."""
    return [_address(context, builder, array_type, array, index, _PAIR) for index in indices]


@_emitted
def load_pairs(typing, array, k0, k1, k2, k3):
    """The vector of array[k_i] and that of array[k_i + 1], as a tuple; no index is checked."""
    two = types.UniTuple(vector, 2)

    def emit(context, builder, sig, args):
        x0, x1, x2, x3 = (builder.load(p, align=8) for p in _pairs(context, builder, sig.args[0], args[0], args[1:]))
        even, odd = _shuffled(builder, x0, x2, *range(4)), _shuffled(builder, x1, x3, *range(4))
        return cgutils.pack_array(builder, [_shuffled(builder, even, odd, *places) for places in (_EVEN, _ODD)])

    return two(array, *[types.int64] * LANES), emit


@_emitted
def add_pairs(typing, array, k0, k1, k2, k3, x, y):
    """array[k_i] += x_i and array[k_i + 1] += y_i, lane after lane: indices may coincide; none is checked."""

    def emit(context, builder, sig, args):
        even, odd = (_shuffled(builder, *args[-2:], *places) for places in (_EVEN, _ODD))
        parts = [_shuffled(builder, half, half, k, k + 1) for k in (0, 2) for half in (even, odd)]
        for place, part in zip(_pairs(context, builder, sig.args[0], args[0], args[1:-2]), parts, strict=True):
            builder.store(builder.fadd(builder.load(place, align=8), part), place, align=8)
        return context.get_dummy_value()

    return types.none(array, *[types.int64] * LANES, vector, vector), emit


@_emitted
def reduce_add(typing, x):
    """The sum over the lanes, added in pairs."""

    def emit(context, builder, sig, args):
        four = [builder.extract_element(args[0], _INDEX(k)) for k in range(LANES)]
        while len(four) > 1:
            four = [builder.fadd(p, q) for p, q in zip(four[::2], four[1::2], strict=True)]
        return four[0]

    return types.float64(vector), emit


@_emitted
def absolute(typing, x):
    """|x| of each lane."""

    def emit(context, builder, sig, args):
        return _mapped(builder, "fabs", *args)

    return vector(vector), emit


@_emitted
def square_root(typing, x):
    """The square root of each lane; nan where x < 0."""

    def emit(context, builder, sig, args):
        return _mapped(builder, "sqrt", *args)

    return vector(vector), emit


@_emitted
def greater(typing, x, y):
    """Mask of x > y; false where one is nan."""

    def emit(context, builder, sig, args):
        return builder.fcmp_ordered(">", *args)

    return mask(vector, vector), emit


@_emitted
def at_least(typing, k0, k1, k2, k3, bound):
    """Mask of k_i >= bound, for integers less than 2^31."""
    kind = ir.VectorType(ir.IntType(32), LANES)

    def emit(context, builder, sig, args):
        numbers = limits = ir.Constant(kind, ir.Undefined)
        *four, bound = (builder.trunc(k, kind.element) for k in args)
        for k, number in enumerate(four):
            numbers = builder.insert_element(numbers, number, _INDEX(k))
            limits = builder.insert_element(limits, bound, _INDEX(k))
        return builder.icmp_signed(">=", numbers, limits)

    return mask(*[types.int64] * (LANES + 1)), emit


@_emitted
def select(typing, where, x):
    """x where the mask is set, else 0."""

    def emit(context, builder, sig, args):
        return builder.select(args[0], args[1], ir.Constant(_DOUBLES, None))

    return vector(mask, vector), emit


@_emitted
def movemask(typing, where):
    """The mask as an integer: bit k is lane k."""

    def emit(context, builder, sig, args):
        return builder.zext(builder.bitcast(args[0], ir.IntType(LANES)), ir.IntType(64))

    return types.int64(mask), emit
