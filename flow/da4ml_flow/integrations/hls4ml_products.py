"""Products with constants as programs, in the terms of hls4ml: formats by element, weights as it prints them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import FormatError

if TYPE_CHECKING:
    from da4ml_core.ir import Program

Array = NDArray[Any]
Kif = tuple[Array, Array, Array]  # of each element: sign bit, integer bits without it, fraction bits

HARD_DC = 'DA_HARD_DC'  # hls4ml's own knob: adder levels beyond the fewest; -1 for no bound
DEVICE = 'xilinx-us+'


def product_program(kif: Kif, kernel: Array, bias: Array | None = None) -> Program:
    """``x @ kernel + bias`` for inputs of the given formats, one adder graph."""
    from da4ml_core.trace import SolverOptions, Tracer

    tracer = Tracer('product', solver=SolverOptions(extra_depth=_extra_depth(), device=DEVICE))
    product = quantized_input(tracer, kif) @ kernel
    return tracer.finish([product if bias is None else product + bias])


def cost(program: Program) -> float:
    """LUTs by our estimate."""
    from da4ml_core.device import device
    from da4ml_core.passes.area import lut_estimate

    return lut_estimate(program, device(DEVICE))


def written_weights(variable: Any) -> Array:
    """The numbers of a weight as the C++ of hls4ml has them: printed in decimals, then in the type of the weight."""
    from da4ml_core.fixed import FixedType, Overflow, Rounding, dyadic, quantize_code

    precision = variable.type.precision
    width, integer = (getattr(precision, name, None) for name in ('width', 'integer'))
    if not isinstance(width, int) or not isinstance(integer, int):
        raise FormatError(
            f'weights {variable.name!r} are of the type {precision}', hint='a fixed-point or integer type'
        )
    signed = bool(precision.signed)
    kind = FixedType(signed, integer - signed, width - integer)
    rounding = Rounding(str(getattr(precision, 'rounding_mode', None) or 'TRN'))
    overflow = Overflow(str(getattr(precision, 'saturation_mode', None) or 'WRAP'))
    numbers = [dyadic(float(text)) for text in variable]
    codes = [quantize_code(code, exp, kind, rounding, overflow) for code, exp in numbers]
    return np.ldexp(np.array(codes, dtype=np.float64), -kind.frac_bits).reshape(variable.data.shape)


def _extra_depth() -> int | None:
    text = os.environ.get(HARD_DC, '2')
    try:
        levels = int(text)
    except ValueError:
        raise FormatError(f'{HARD_DC} is {text!r}', hint='an integer; -1 for no bound') from None
    return None if levels < 0 else levels


def quantized_input(tracer: Any, kif: Kif) -> Any:
    """The symbolic input; elements without bits are zeros."""
    signed, whole, fraction = (np.asarray(part).astype(int) for part in kif)
    empty = signed + whole + fraction <= 0
    whole, fraction = np.where(empty, 0, whole), np.where(empty, 0, fraction)
    return tracer.input(signed.shape).quantize(np.where(empty, 0, signed).astype(bool), whole, fraction)
