"""A program as plain Verilog, from the definitions of the operations alone: what designs are proved equal to.

It shares nothing with the emitters but the places of the fields in the ports: every value is a signed number as wide as
its interval, every operation is done in bits enough for anything, every rounding mode is stated by the remainder, every
edge is a shift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from da4ml_core.codegen.bundle import PortField
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.ir.opcode import BitFunction, InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup

# When the number c, rounded down to f with a remainder of r, is to be one more; h is half a step.
_ROUND_UP: Mapping[Rounding, str] = MappingProxyType(
    {
        Rounding.TRN: "1'b0",
        Rounding.TRN_ZERO: '{c} < 0 && {r} != 0',
        Rounding.RND: '{r} >= {h}',
        Rounding.RND_MIN_INF: '{r} > {h}',
        Rounding.RND_ZERO: '{r} > {h} || ({r} == {h} && {c} < 0)',
        Rounding.RND_INF: '{r} > {h} || ({r} == {h} && {c} >= 0)',
        Rounding.RND_CONV: '{r} > {h} || ({r} == {h} && {f}[0])',
    }
)
_SIGNS: Mapping[BitFunction, str] = MappingProxyType({BitFunction.AND: '&', BitFunction.OR: '|', BitFunction.XOR: '^'})


def reference_verilog(
    program: Program, top: str, inputs: Sequence[PortField], outputs: Sequence[PortField], latency_cycles: int = 0
) -> str:
    """A module `top` of ports x, y and, with a latency, clk: registers for it stand behind the whole logic."""
    x_bits, y_bits = (sum(field.width_bits for field in fields) for fields in (inputs, outputs))
    clock = 'input clk, ' if latency_cycles else ''
    fields: dict[int, list[PortField]] = {}
    for field in inputs:
        fields.setdefault(field.position, []).append(field)
    lines = [f'module {top}({clock}input [{x_bits - 1}:0] x, output [{y_bits - 1}:0] y);']
    for index, op in enumerate(program.ops):
        lines += [f'  {line}' for line in _value(program, index, op, fields)]
    lines.append(f'  wire [{y_bits - 1}:0] made;')
    for place, (field, edge) in enumerate(zip(outputs, program.outputs, strict=True)):
        if field.width_bits:
            shift = program.edge_interval(edge).exp + field.type.frac_bits
            width = max(field.width_bits, program.ops[edge.index].interval.width_bits) + abs(shift) + 2
            lines.append(f'  {_signed(width)} o{place} = {_shifted(f"v{edge.index}", shift)};')
            lines.append(f'  assign made[{field.offset} +: {field.width_bits}] = o{place}[{field.width_bits - 1}:0];')
    last = 'made'
    for cycle in range(latency_cycles):
        lines.append(f'  reg [{y_bits - 1}:0] d{cycle}; always @(posedge clk) d{cycle} <= {last};')
        last = f'd{cycle}'
    return '\n'.join([*lines, f'  assign y = {last};', 'endmodule', ''])


def _value(program: Program, index: int, op: Op, fields: Mapping[int, list[PortField]]) -> Iterator[str]:
    """The wire v of an index, in steps of its interval."""
    result = f'{_signed(op.interval.width_bits + 1)} v{index}'
    width = _width(program, op)
    if isinstance(op.attribute, InputPort):
        field = fields[op.attribute.position].pop(0)
        if not field.width_bits:
            yield f'{result} = 0;'
            return
        sign = 'signed ' if field.type.signed else ''
        yield f'wire {sign}[{field.width_bits - 1}:0] p{index} = x[{field.offset} +: {field.width_bits}];'
        yield f'{_signed(width)} c{index} = p{index};'
        yield f'{result} = {_shifted(f"c{index}", -field.type.frac_bits - op.interval.exp)};'
        return
    if op.opcode is Opcode.CONST:
        yield f'{result} = {_number(op.interval.lo, op.interval.width_bits + 1)};'
        return
    exps = [program.edge_interval(edge).exp for edge in op.operands]
    names = [f'v{edge.index}' for edge in op.operands]
    if op.opcode is Opcode.MUX:
        positive = op.operands[0].negated
        a, b = (_shifted(name, exp - op.interval.exp) for name, exp in zip(names[1:], exps[1:], strict=True))
        yield f'{_signed(width)} t{index} = {names[0]} {">" if positive else "<"} 0 ? {a} : {b};'
        yield f'{result} = t{index};'
        return
    if isinstance(op.attribute, Lookup):
        yield from _entry(op, op.attribute, index, _shifted(names[0], exps[0] - op.attribute.exp), width)
        return
    text, exp = _expression(op, names, exps)
    if isinstance(op.attribute, Quantization):
        yield f'{_signed(width)} c{index} = {text};'
        yield from _quantized(op.attribute, index, exps[0], width)
        text, exp = f'q{index}', -op.attribute.type.frac_bits
    yield f'{_signed(width)} t{index} = {text};'
    yield f'{result} = {_shifted(f"t{index}", exp - op.interval.exp)};'


def _expression(op: Op, names: Sequence[str], exps: Sequence[int]) -> tuple[str, int]:
    """What an operation makes of numbers in steps of ``2**exp``, not yet quantized, and the exponent of its step."""
    finest = min(exps)
    terms = [_shifted(name, exp - finest) for name, exp in zip(names, exps, strict=True)]
    if op.opcode is Opcode.ADD:
        return ' '.join(f'{_sign(edge)} {term}' for edge, term in zip(op.operands, terms, strict=True)), finest
    if op.opcode is Opcode.MUL:
        return ' * '.join(names), sum(exps)
    if isinstance(op.attribute, BitFunction):
        return f' {_SIGNS[op.attribute]} '.join(terms), finest
    if op.opcode is Opcode.NEG:
        return f'-{names[0]}', finest
    return f'{names[0]} < 0 ? 0 : {names[0]}' if op.opcode is Opcode.RELU else names[0], finest


def _sign(edge: Operand) -> str:
    return '-' if edge.negated else '+'


def _entry(op: Op, lookup: Lookup, index: int, place: str, width: int) -> Iterator[str]:
    """The wire v of an index, read from a table; places that no value has read zero."""
    yield f'reg {_signed(op.interval.width_bits + 1).removeprefix("wire ")} v{index};'
    yield f'{_signed(width)} i{index} = {place};'
    yield f'always @* case (i{index})'
    for number, entry in enumerate(lookup.table.entries, lookup.first):
        code = _rescaled(entry, lookup.table.exp - op.interval.exp)
        if code is not None:
            yield f'  {_number(number, width)}: v{index} = {_number(code, width)};'
    yield f'  default: v{index} = 0; endcase'


def _quantized(quantization: Quantization, index: int, exp: int, width: int) -> Iterator[str]:
    """The wire q of an index, in steps of the type, of the wire c in steps of ``2**exp``."""
    kind, rounding, overflow = quantization
    signed = _signed(width)
    down = -kind.frac_bits - exp
    if down > 0:
        condition = _ROUND_UP[rounding].format(**{local: f'{local}{index}' for local in 'crfh'})
        yield f'{signed} f{index} = c{index} >>> {down};'
        yield f'{signed} r{index} = c{index} - (f{index} <<< {down});'
        yield f'{signed} h{index} = {_number(1 << (down - 1), width)};'
        yield f'{signed} n{index} = f{index} + (({condition}) ? {_number(1, width)} : {_number(0, width)});'
    else:
        yield f'{signed} n{index} = c{index} <<< {-down};'
    lo, hi, _ = kind.interval
    if lo == hi:
        yield f'{signed} q{index} = 0;'
        return
    if overflow is Overflow.WRAP:
        sign = 'signed ' if kind.signed else ''
        yield f'wire {sign}[{kind.width_bits - 1}:0] w{index} = n{index}[{kind.width_bits - 1}:0];'
        yield f'{signed} q{index} = w{index};'
        return
    low = lo + (overflow is Overflow.SAT_SYM and kind.signed)
    below, above = (0, 0) if overflow is Overflow.SAT_ZERO else (low, hi)
    yield (
        f'{signed} q{index} = n{index} < {_number(low, width)} ? {_number(below, width)} : '
        f'n{index} > {_number(hi, width)} ? {_number(above, width)} : n{index};'
    )


def _signed(width: int) -> str:
    return f'wire signed [{width - 1}:0]'


def _shifted(name: str, shift: int) -> str:
    """The number times ``2**shift``; what is shifted out is zero by the laws of programs."""
    return f'({name} <<< {shift})' if shift > 0 else f'({name} >>> {-shift})' if shift < 0 else name


def _number(code: int, width: int) -> str:
    return f"{width}'sh{code & ((1 << width) - 1):x}"


def _rescaled(code: int, shift: int) -> int | None:
    """``code * 2**shift``, if that is an integer."""
    if shift >= 0:
        return code << shift
    return None if code & ((1 << -shift) - 1) else code >> -shift


def _width(program: Program, op: Op) -> int:
    """Bits in which nothing on the way from the operands of an operation to its result overflows."""
    edges = [program.edge_interval(edge) for edge in op.operands]
    finest = min((edge.exp for edge in edges), default=op.interval.exp)
    bits = [edge.width_bits + edge.exp - finest for edge in edges] + [op.interval.width_bits]
    spread = max((abs(edge.exp - op.interval.exp) for edge in edges), default=0)
    if op.opcode is Opcode.MUL:
        bits = [sum(bits)]
        spread = abs(sum(edge.exp for edge in edges) - op.interval.exp)
    if isinstance(op.attribute, InputPort):
        kind = op.attribute.quantization.type
        bits.append(kind.width_bits)
        spread += abs(kind.frac_bits + op.interval.exp)
    if isinstance(op.attribute, Quantization):
        kind = op.attribute.type
        spread += kind.width_bits + abs(kind.frac_bits + finest) + abs(kind.frac_bits + op.interval.exp)
    if isinstance(op.attribute, Lookup):
        table = op.attribute.table
        bits.append(op.attribute.domain.width_bits + abs(op.attribute.exp - finest))
        bits.append(max(map(int.bit_length, table.entries)) + abs(table.exp - op.interval.exp))
    return max(bits) + spread + 3
