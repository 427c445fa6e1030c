"""The operations of the intermediate representation, one specification row each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.ir.table import Lookup


class Opcode(StrEnum):
    INPUT = 'input'
    CONST = 'const'
    ADD = 'add'
    NEG = 'neg'
    QUANTIZE = 'quantize'
    RELU = 'relu'
    MUX = 'mux'
    MUL = 'mul'
    LOOKUP = 'lookup'
    BITWISE = 'bitwise'


class BitFunction(StrEnum):
    """What is done to each pair of bits."""

    AND = 'and'
    OR = 'or'
    XOR = 'xor'


class Quantization(NamedTuple):
    """A conversion to a fixed-point type."""

    type: FixedType
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    @property
    def is_wiring(self) -> bool:
        """Whether hardware does it by dropping bits alone."""
        return self.rounding is Rounding.TRN and self.overflow is Overflow.WRAP

    def __str__(self) -> str:
        return f'{self.type} {self.rounding} {self.overflow}'


class InputPort(NamedTuple):
    """Which element of the flattened external inputs an input op reads, and how a real number becomes its code."""

    position: int
    quantization: Quantization

    def __str__(self) -> str:
        return f'x[{self.position}] {self.quantization}'


Attribute = Quantization | InputPort | Lookup | BitFunction | None


class OpSpec(NamedTuple):
    """The shape of an operation: operand count, attribute class, and whether operands may carry a minus sign."""

    meaning: str
    min_operands: int
    max_operands: int
    attribute: type[Quantization] | type[InputPort] | type[Lookup] | type[BitFunction] | None
    attribute_optional: bool = False
    negatable: bool = False


SPECS: Mapping[Opcode, OpSpec] = MappingProxyType(
    {
        Opcode.INPUT: OpSpec('the external value, quantized to the type of the port', 0, 0, InputPort),
        Opcode.CONST: OpSpec('the one value of its interval', 0, 0, None),
        Opcode.ADD: OpSpec('±a·2^i ± b·2^j [± c·2^k], at least one of them positive', 2, 3, None, negatable=True),
        Opcode.NEG: OpSpec('-a, where no adder could absorb the sign', 1, 1, None),
        Opcode.QUANTIZE: OpSpec('a in the type, rounding and overflow mode given', 1, 1, Quantization),
        Opcode.RELU: OpSpec(
            'max(a, 0), then dropped to the type given, if any (TRN and WRAP only)',
            1,
            1,
            Quantization,
            attribute_optional=True,
        ),
        Opcode.MUX: OpSpec('a where k < 0, else b; -k, for a k of one bit, takes a where the bit is set', 3, 3, None),
        Opcode.MUL: OpSpec('a·b', 2, 2, None),
        Opcode.LOOKUP: OpSpec('the entry of a table for a', 1, 1, Lookup),
        Opcode.BITWISE: OpSpec('and, or, xor of the bits of a and b in their finer step', 2, 2, BitFunction),
    }
)
