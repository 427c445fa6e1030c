"""The intermediate representation: operations, programs, their laws and their text."""

from da4ml_core.ir.opcode import SPECS, BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup, Table

__all__ = ['SPECS', 'BitFunction', 'InputPort', 'Lookup', 'Op', 'Opcode', 'Operand', 'Program', 'Quantization', 'Table']
