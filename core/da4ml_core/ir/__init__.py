"""The intermediate representation: operations, programs, their laws and their text."""

from da4ml_core.ir.opcode import SPECS, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program

__all__ = ['SPECS', 'InputPort', 'Op', 'Opcode', 'Operand', 'Program', 'Quantization']
