"""Quantization of symbolic arrays, with a type of its own for each element."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from da4ml_core._srcloc import user_location
from da4ml_core.errors import FormatError
from da4ml_core.fixed import FixedType, Overflow, Rounding, dyadic
from da4ml_core.ir.opcode import Quantization
from da4ml_core.trace.context import Context
from da4ml_core.trace.linear import ObjectArray
from da4ml_core.trace.variable import External, Variable

Mode = TypeVar('Mode', Rounding, Overflow)


def quantize_elements(
    context: Context,
    elements: ObjectArray,
    signed: ArrayLike,
    int_bits: ArrayLike,
    frac_bits: ArrayLike,
    rounding: Rounding | str,
    overflow: Overflow | str,
) -> ObjectArray:
    """Every element in its type; raises FormatError for bit counts that are not integers or do not broadcast."""
    types = element_quantizations(elements.shape, signed, int_bits, frac_bits, rounding, overflow)
    result = np.empty(elements.shape, dtype=object)
    source, target = elements.reshape(-1), result.reshape(-1)
    with context.user_origin():
        for position, quantization in enumerate(types):
            element = source[position]
            if isinstance(element, External):
                target[position] = context.graph.input(element.position, quantization)
            else:
                target[position] = context.graph.quantize(element, quantization)
    return result


def element_quantizations(
    shape: tuple[int, ...],
    signed: ArrayLike,
    int_bits: ArrayLike,
    frac_bits: ArrayLike,
    rounding: Rounding | str,
    overflow: Overflow | str,
) -> list[Quantization]:
    """The conversion of each element of an array, in C order; raises FormatError as :func:`quantize_elements` does."""
    modes = _mode(Rounding, rounding), _mode(Overflow, overflow)
    named = (('signed', signed), ('int_bits', int_bits), ('frac_bits', frac_bits))
    types = zip(*(_integers(name, bits, shape) for name, bits in named), strict=True)
    return [Quantization(FixedType(bool(sign), integer, fraction), *modes) for sign, integer, fraction in types]


def constant_variables(numbers: ObjectArray) -> ObjectArray:
    """Exact numbers (Fractions) as variables without a value."""
    result = np.empty(numbers.shape, dtype=object)
    flat = result.reshape(-1)
    for position, number in enumerate(numbers.flat):
        flat[position] = Variable(constant=dyadic(number))
    return result


def _integers(name: str, bits: ArrayLike, shape: tuple[int, ...]) -> list[int]:
    array = np.asarray(bits)
    if array.dtype.kind not in 'bui' and not (array.dtype.kind == 'f' and (array == np.rint(array)).all()):
        raise FormatError(f'{name} must be integers, not {array.dtype} values', location=user_location())
    try:
        broadcast = np.broadcast_to(array, shape)
    except ValueError:
        raise FormatError(
            f'{name} of shape {array.shape} does not broadcast to an array of shape {shape}',
            location=user_location(),
        ) from None
    return [int(bit) for bit in broadcast.reshape(-1).tolist()]


def _mode(kind: type[Mode], name: Mode | str) -> Mode:
    try:
        return kind(name)
    except ValueError:
        raise FormatError(
            f'unknown {kind.__name__.lower()} mode {name!r}',
            location=user_location(),
            hint=f'known modes: {", ".join(kind)}',
        ) from None
