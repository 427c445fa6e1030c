"""A program as plain Verilog, from the definitions of the operations alone: what designs are proved equal to.

It shares nothing with `da4ml_core.codegen` but the places of the fields in the ports: every value is a signed number of
one great width, every rounding mode is stated by the remainder, every edge is a shift.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from da4ml_core.codegen.bundle import PortField
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.ir import BitFunction, InputPort, Lookup, Op, Opcode, Operand, Program, Quantization

# When the number c, rounded down to f with a remainder of r, is to be one more; h is half a step.
ROUND_UP = {
    Rounding.TRN: "1'b0",
    Rounding.TRN_ZERO: '{c} < 0 && {r} != 0',
    Rounding.RND: '{r} >= {h}',
    Rounding.RND_MIN_INF: '{r} > {h}',
    Rounding.RND_ZERO: '{r} > {h} || ({r} == {h} && {c} < 0)',
    Rounding.RND_INF: '{r} > {h} || ({r} == {h} && {c} >= 0)',
    Rounding.RND_CONV: '{r} > {h} || ({r} == {h} && {f}[0])',
}


def reference_verilog(
    program: Program, top: str, inputs: Sequence[PortField], outputs: Sequence[PortField], latency: int
) -> str:
    """A module `top` of ports x, y and, with a latency, clk: registers for it stand behind the whole logic."""
    width = _width(program)
    x_bits = sum(field.width_bits for field in inputs)
    y_bits = sum(field.width_bits for field in outputs)
    fields: dict[int, list[PortField]] = {}
    for field in inputs:
        fields.setdefault(field.position, []).append(field)
    lines = [f'module {top}({"input clk, " if latency else ""}input [{x_bits - 1}:0] x, output [{y_bits - 1}:0] y);']
    for index, op in enumerate(program.ops):
        lines += [f'  {line}' for line in _value(program, index, op, width, fields)]
    lines.append(f'  wire [{y_bits - 1}:0] made;')
    for place, (field, edge) in enumerate(zip(outputs, program.outputs, strict=True)):
        if field.width_bits:
            shift = program.edge_interval(edge).exp + field.type.frac_bits
            lines.append(f'  wire signed [{width - 1}:0] o{place} = {_shifted(f"v{edge.index}", shift)};')
            lines.append(f'  assign made[{field.offset} +: {field.width_bits}] = o{place}[{field.width_bits - 1}:0];')
    last = 'made'
    for cycle in range(latency):
        lines.append(f'  reg [{y_bits - 1}:0] d{cycle}; always @(posedge clk) d{cycle} <= {last};')
        last = f'd{cycle}'
    return '\n'.join([*lines, f'  assign y = {last};', 'endmodule', ''])


def _value(program: Program, index: int, op: Op, width: int, fields: dict[int, list[PortField]]) -> Iterator[str]:
    signed = f'wire signed [{width - 1}:0]'
    name = f'v{index}'
    if isinstance(op.attribute, InputPort):
        field = fields[op.attribute.position].pop(0)
        if not field.width_bits:
            yield f'{signed} {name} = 0;'
            return
        sign = 'signed ' if field.type.signed else ''
        yield f'wire {sign}[{field.width_bits - 1}:0] p{index} = x[{field.offset} +: {field.width_bits}];'
        yield f'{signed} {name} = {_shifted(f"p{index}", -field.type.frac_bits - op.interval.exp)};'
        return
    if op.opcode is Opcode.CONST:
        yield f'{signed} {name} = {_number(op.interval.lo, width)};'
        return
    exps = [program.edge_interval(edge).exp for edge in op.operands]
    names = [f'v{edge.index}' for edge in op.operands]
    finest = min(exps)
    if op.opcode is Opcode.MUX:
        positive = op.operands[0].negated
        a, b = (_shifted(name, exp - op.interval.exp) for name, exp in zip(names[1:], exps[1:], strict=True))
        yield f'{signed} {name} = {names[0]} {">" if positive else "<"} 0 ? {a} : {b};'
        return
    if isinstance(op.attribute, Lookup):
        table, first, step = op.attribute
        yield f'reg signed [{width - 1}:0] {name}; {signed} i{index} = {_shifted(names[0], exps[0] - step)};'
        yield f'always @* case (i{index})'
        for place, entry in enumerate(table.entries, first):
            code = _rescaled(entry, table.exp - op.interval.exp)
            if code is not None:
                yield f'  {_number(place, width)}: {name} = {_number(code, width)};'
        yield f'  default: {name} = 0; endcase'
        return
    exp = finest
    if op.opcode is Opcode.ADD:
        text = ' '.join(_term(edge, name, e - finest) for edge, name, e in zip(op.operands, names, exps, strict=True))
    elif op.opcode is Opcode.MUL:
        text, exp = ' * '.join(names), sum(exps)
    elif isinstance(op.attribute, BitFunction):
        sign = {BitFunction.AND: '&', BitFunction.OR: '|', BitFunction.XOR: '^'}[op.attribute]
        text = f' {sign} '.join(_shifted(name, e - finest) for name, e in zip(names, exps, strict=True))
    elif op.opcode is Opcode.NEG:
        text = f'-{names[0]}'
    else:
        text = f'{names[0]} < 0 ? 0 : {names[0]}' if op.opcode is Opcode.RELU else names[0]
        if isinstance(op.attribute, Quantization):
            yield f'{signed} c{index} = {text};'
            yield from _quantized(op.attribute, index, exps[0], width)
            text, exp = f'q{index}', -op.attribute.type.frac_bits
    yield f'{signed} t{index} = {text};'
    yield f'{signed} {name} = {_shifted(f"t{index}", exp - op.interval.exp)};'


def _quantized(quantization: Quantization, index: int, exp: int, width: int) -> Iterator[str]:
    """The wire q of an index, in steps of the type, of the wire c in steps of ``2**exp``."""
    kind, rounding, overflow = quantization
    signed = f'wire signed [{width - 1}:0]'
    down = -kind.frac_bits - exp
    if down > 0:
        condition = ROUND_UP[rounding].format(**{local: f'{local}{index}' for local in 'crfh'})
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


def _term(edge: Operand, name: str, shift: int) -> str:
    return f'{"-" if edge.negated else "+"} {_shifted(name, shift)}'


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


def _width(program: Program) -> int:
    """Bits in which no operation on the way overflows."""
    widest = 0
    for op in program.ops:
        edges = [program.edge_interval(edge) for edge in op.operands]
        finest = min((edge.exp for edge in edges), default=0)
        bits = [edge.width_bits + edge.exp - finest for edge in edges] + [op.interval.width_bits]
        spread = max((abs(edge.exp - op.interval.exp) for edge in edges), default=0)
        if op.opcode is Opcode.MUL:
            bits = [sum(bits)]
        if isinstance(op.attribute, Quantization):
            spread += op.attribute.type.width_bits + abs(op.attribute.type.frac_bits + finest)
        if isinstance(op.attribute, Lookup):
            bits += [op.attribute.domain.width_bits + abs(op.attribute.exp - finest)]
            bits += [max(map(int.bit_length, op.attribute.table.entries)) + abs(op.attribute.table.exp)]
        widest = max(widest, max(bits) + spread)
    for edge, kind in zip(program.outputs, program.output_types, strict=True):
        widest = max(widest, kind.width_bits + abs(edge.shift))
    return widest + 3
