"""The fixed-point types of the C++ dialects of high-level synthesis, how numbers and shifts are written in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from da4ml_core.errors import CodegenError
from da4ml_core.fixed import FixedType
from da4ml_core.ir.opcode import Quantization

_DOUBLE_BITS = 53
_DOUBLE_EXP = 1000  # powers of two that a double holds, with some room


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the tools: the types, what they include, and what they are told about the function."""

    prefix: str  # of the names of types and modes: AP or AC
    includes: tuple[str, ...]
    scaled: tuple[str, ...]  # a function template: the same bits as a number 2^S times as large
    qualifier: str = ''
    pragmas: tuple[str, ...] = ()

    def type(self, kind: FixedType, quantization: Quantization | None = None) -> str:
        """The name of a type of at least one bit; its integer bits include the sign."""
        width, integer_bits = kind.width_bits, kind.width_bits - kind.frac_bits
        modes = ''
        if quantization is not None and not quantization.is_wiring:
            modes = f', {self.prefix}_{quantization.rounding}, {self.prefix}_{quantization.overflow}'
        if self.prefix == 'AP':
            return f'ap_{"" if kind.signed else "u"}fixed<{width}, {integer_bits}{modes}>'
        return f'ac_fixed<{width}, {integer_bits}, {"true" if kind.signed else "false"}{modes}>'


_AP_SCALED = """
// The same bits as a number 2^S times as large: wiring.
template <int S, int W, int I>
ap_fixed<W, I + S> scaled(const ap_fixed<W, I> &a) {
    ap_fixed<W, I + S> b;
    b.range() = a.range();
    return b;
}

template <int S, int W, int I>
ap_ufixed<W, I + S> scaled(const ap_ufixed<W, I> &a) {
    ap_ufixed<W, I + S> b;
    b.range() = a.range();
    return b;
}
"""
_AC_SCALED = """
// The same bits as a number 2^S times as large: wiring.
template <int S, int W, int I, bool N>
ac_fixed<W, I + S, N> scaled(const ac_fixed<W, I, N> &a) {
    ac_fixed<W, I + S, N> b;
    b.set_slc(0, a.template slc<W>(0));
    return b;
}
"""

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        'vitis': Dialect(
            'AP',
            ('#include <ap_fixed.h>',),
            tuple(_AP_SCALED.strip().splitlines()),
            pragmas=(
                '#ifdef __SYNTHESIS__',
                '#pragma HLS PIPELINE II=1',
                '#pragma HLS AGGREGATE variable=x compact=bit',
                '#endif',
            ),
        ),
        'ac': Dialect(
            'AC',
            (
                '#ifdef __INTELFPGA_COMPILER__',
                '#include "HLS/hls.h"',
                '#include "HLS/ac_fixed.h"',
                '#define KERNEL_COMPONENT hls_component_ii(1) component',
                '#else',
                '#include <ac_fixed.h>',
                '#define KERNEL_COMPONENT',
                '#endif',
            ),
            tuple(_AC_SCALED.strip().splitlines()),
            qualifier='KERNEL_COMPONENT ',
        ),
        'oneapi': Dialect(
            'AC',
            (
                '#ifdef SYCL_LANGUAGE_VERSION',
                '#include <sycl/ext/intel/ac_types/ac_fixed.hpp>',
                '#else',
                '#include <ac_fixed.h>',
                '#endif',
            ),
            tuple(_AC_SCALED.strip().splitlines()),
        ),
    }
)


def literal(code: int, exp: int, kind: str) -> str:
    """The number ``code * 2**exp``: one exact double, or a sum of them where its bits are too many for one."""
    if abs(exp) > _DOUBLE_EXP or code.bit_length() + exp > _DOUBLE_EXP:
        raise CodegenError(f'the constant {code} * 2^{exp} is beyond the range of C++ literals')
    sign, rest = (-1 if code < 0 else 1), abs(code)
    chunks: list[str] = []
    while rest or not chunks:
        chunk = rest & ((1 << _DOUBLE_BITS) - 1)
        if chunk or not (rest or chunks):
            chunks.append(repr(sign * float(chunk) * 2.0**exp))
        rest >>= _DOUBLE_BITS
        exp += _DOUBLE_BITS
    return chunks[0] if len(chunks) == 1 else ' + '.join(f'{kind}({chunk})' for chunk in chunks)
