"""A program as C++ for high-level synthesis: one function, one typed variable for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from da4ml_core.codegen import hls_files
from da4ml_core.codegen.bundle import PortField, field_data
from da4ml_core.codegen.comments import plain
from da4ml_core.codegen.hls_types import DIALECTS, Dialect, literal
from da4ml_core.codegen.names import check_identifier
from da4ml_core.codegen.ports import input_fields, members, ordered_inputs, output_fields, port_bits
from da4ml_core.errors import CodegenError
from da4ml_core.fixed import FixedType, Interval
from da4ml_core.ir.opcode import BitFunction, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_core.ir.table import Lookup

MAX_WIDTH_BITS = 1024  # of ap_fixed, if its users do not ask for more
_BIT_OPERATORS = {BitFunction.AND: '&', BitFunction.OR: '|', BitFunction.XOR: '^'}
_PER_LINE = 8  # entries of a table


@dataclass(frozen=True, slots=True)
class HlsBundle:
    """A design in C++ as files, and the fields of its ports, whose packed bits are those of the RTL's ports."""

    top: str
    language: str
    files: Mapping[str, str]
    inputs: tuple[PortField, ...]
    outputs: tuple[PortField, ...]

    @property
    def input_bits(self) -> int:
        return sum(field.width_bits for field in self.inputs)

    @property
    def output_bits(self) -> int:
        return sum(field.width_bits for field in self.outputs)

    def interface(self) -> dict[str, Any]:
        """Everything but the text of the files, as JSON-ready data; the latency is for the tool to choose."""
        return {
            'top': self.top,
            'language': self.language,
            'files': list(self.files),
            'inputs': [field_data(field) for field in self.inputs],
            'outputs': [field_data(field) for field in self.outputs],
            'clocked': False,
        }


def emit_hls(program: Program, top: str, language: str, clock_ns: float = 5.0) -> HlsBundle:
    """The design in C++ for 'vitis' (ap_fixed), 'ac' (Intel HLS, ac_fixed) or 'oneapi' (SYCL, ac_fixed).

    With the function come a header, a test bench that reads packed samples from `vectors.txt`, and a build script.
    Raises CodegenError for another language, a name that is no identifier, a port without bits, and values too wide.
    """
    if language not in DIALECTS:
        raise CodegenError(f'no emitter for {language!r}', hint=f'one of {", ".join(DIALECTS)}')
    check_identifier(top, 'top function')
    emission = Emission(program, top, DIALECTS[language])
    port_bits(program, 'input', emission.inputs)
    port_bits(program, 'output', emission.outputs)
    files = {f'{top}.h': emission.header(), f'{top}.cpp': emission.source()}
    files |= hls_files.companions(language, top, emission.inputs, emission.outputs, clock_ns)
    return HlsBundle(top, language, MappingProxyType(files), emission.inputs, emission.outputs)


class Emission:
    """The program in one dialect: names, types, and the tables met so far."""

    def __init__(self, program: Program, top: str, dialect: Dialect) -> None:
        self.shift = 'scaled'  # the function template that moves the binary point
        self.program = program
        self.top = top
        self.dialect = dialect
        self.inputs = input_fields(program)
        self.outputs = output_fields(program)
        self.input_names = {
            index: f'x.{name}'
            for (index, _), (name, _) in zip(ordered_inputs(program), members('x', self.inputs, True), strict=True)
        }
        self.tables: dict[tuple[tuple[int, ...], int], str] = {}

    def header(self) -> str:
        lines = [
            f'// Program {_comment(self.program.name)}: {len(self.inputs)} inputs, {len(self.outputs)} outputs, '
            'written by da4ml-flow.',
            '#pragma once',
            '',
            *self.dialect.includes,
            '',
            '// All input elements: each in the type that it is quantized to.',
            *self._struct('input', 'x', self.inputs),
            '',
            '// All output elements, exact.',
            *self._struct('output', 'y', self.outputs),
            '',
            '// A result for each sample; a new sample can be taken every cycle.',
            f'{self.dialect.qualifier}{self.top}_output {self.top}({self.top}_input x);',
            '',
        ]
        return '\n'.join(lines)

    def source(self) -> str:
        body = list(self._body())
        lines = [
            f'// Program {_comment(self.program.name)}, written by da4ml-flow: v12 is the value %12 of the program.',
            f'#include "{self.top}.h"',
            '',
        ]
        if any('scaled<' in line for line in body):
            lines += ['namespace {', *self.dialect.scaled, '}  // namespace', '']
        lines += [
            f'{self.dialect.qualifier}{self.top}_output {self.top}({self.top}_input x) {{',
            *self.dialect.pragmas,
            *(() if any('x.' in line for line in body) else ('    (void)x;',)),
            *self.tables_text(),
            *body,
            '    return y;',
            '}',
            '',
        ]
        return '\n'.join(lines)

    def _struct(self, direction: str, port: str, fields: tuple[PortField, ...]) -> Iterator[str]:
        yield f'struct {self.top}_{direction} {{'
        for name, field in members(port, fields):
            rounding = '' if field.quantization.is_wiring or port == 'y' else f'  // from {field.quantization}'
            yield f'    {self._type(field.type)} {name};{rounding}'
        yield '};'

    def values(self) -> Iterator[str]:
        """A typed variable for each value that an output depends on."""
        live = _live(self.program)
        origin = ''
        for index, op in enumerate(self.program.ops):
            if not live[index]:
                continue
            if op.origin and op.origin != origin:
                yield ''
                yield f'    // == {_comment(op.origin)}'
            origin = op.origin
            yield f'    const {self._variable(op.interval)} v{index} = {self._value(index, op)};'

    def _body(self) -> Iterator[str]:
        yield from self.values()
        yield ''
        yield f'    {self.top}_output y;'
        for (name, field), edge in zip(members('y', self.outputs, True), self.program.outputs, strict=True):
            if field.width_bits:
                yield f'    y.{name} = {self.edge(edge)};'

    def _value(self, index: int, op: Op) -> str:
        """The expression of a value; what it drops when it is stored are zeros and copies of the sign."""
        own = self._variable(op.interval)
        if op.interval.is_constant:
            return literal(op.interval.lo, op.interval.exp, own)
        if _is_nothing(op):
            return literal(0, 0, own)
        if op.opcode is Opcode.INPUT:
            return self.input_names[index]
        edges = [self.edge(edge) for edge in op.operands]
        if op.opcode is Opcode.ADD:
            return _sum(op, edges)
        if op.opcode is Opcode.NEG:
            return f'-{edges[0]}'
        if op.opcode is Opcode.MUL:
            return ' * '.join(edges)
        if op.opcode is Opcode.MUX:
            test = _test(self.program, op)
            branches = [f'{own}({edge})' for edge in edges[1:]]
            return f'{edges[0]} {test} ? {branches[0]} : {branches[1]}' if test else branches[1]
        if isinstance(op.attribute, BitFunction):
            a, b = (self.program.edge_interval(edge) for edge in op.operands)
            common = self._variable(a.union(b))
            return f' {_BIT_OPERATORS[op.attribute]} '.join(f'{common}({edge})' for edge in edges)
        if isinstance(op.attribute, Lookup):
            return self._reading(op.attribute, op.operands[0], own)
        source = self.program.edge_interval(op.operands[0])
        if op.opcode is Opcode.RELU:
            kind = own if op.attribute is None else self._type(_kind(op))
            return f'{edges[0]} < 0 ? {kind}(0) : {kind}({edges[0]})' if source.signed else f'{kind}({edges[0]})'
        if isinstance(op.attribute, Quantization):
            return f'{self._type(op.attribute.type, op.attribute)}({edges[0]})'
        raise CodegenError(f'no C++ for the operation {op.opcode!r}')

    def _reading(self, lookup: Lookup, edge: Operand, own: str) -> str:
        """An entry of a table that holds what the operand can reach, from its least code on."""
        source = self.program.edge_interval(edge)
        entries = lookup.reachable(source)
        name = self.tables.setdefault((entries, lookup.table.exp), f'table{len(self.tables)}')
        code = self.edge(edge._replace(shift=edge.shift - source.exp))
        place = code if not source.lo else f'({code} {"-" if source.lo > 0 else "+"} {abs(source.lo)})'
        return f'{name}[{place}.to_int()]'

    def tables_text(self) -> Iterator[str]:
        for (entries, exp), name in self.tables.items():
            kind = self._variable(Interval(min(entries), max(entries), exp))
            yield f'    static const {kind} {name}[{len(entries)}] = {{'
            for start in range(0, len(entries), _PER_LINE):
                texts = [literal(entry, exp, kind) for entry in entries[start : start + _PER_LINE]]
                yield f'        {", ".join(texts)},'
            yield '    };'

    def edge(self, edge: Operand) -> str:
        return f'{self.shift}<{edge.shift}>(v{edge.index})' if edge.shift else f'v{edge.index}'

    def _variable(self, interval: Interval) -> str:
        """The type of a variable: the smallest one, which even the constant zero gives a bit."""
        kind = interval.fixed_type
        return self._type(kind._replace(int_bits=kind.int_bits + (0 if interval.width_bits else 1)))

    def _type(self, kind: FixedType, quantization: Quantization | None = None) -> str:
        width = kind.width_bits
        if width > MAX_WIDTH_BITS:
            raise CodegenError(
                f'a value of {width} bits is more than {MAX_WIDTH_BITS}, the widest of C++', hint='use Verilog or VHDL'
            )
        return self.dialect.type(kind, quantization)


def _live(program: Program) -> list[bool]:
    """Which values an output with any bits depends on."""
    live = [False] * program.num_ops
    for edge, kind in zip(program.outputs, program.output_types, strict=True):
        live[edge.index] |= kind.width_bits > 0
    for index in reversed(range(program.num_ops)):
        op = program.ops[index]
        if live[index] and not (op.interval.is_constant or _is_nothing(op)):
            operands = op.operands
            if op.opcode is Opcode.MUX and not _test(program, op):
                operands = operands[2:]
            for edge in operands:
                live[edge.index] = True
    return live


def _is_nothing(op: Op) -> bool:
    """Whether the value is converted to a type without bits: zero, even where its interval was not narrowed to that."""
    return op.opcode is not Opcode.INPUT and isinstance(op.attribute, Quantization) and not op.attribute.type.width_bits


def _test(program: Program, op: Op) -> str:
    """How the condition of a multiplexer chooses its first branch; empty if it never does."""
    condition = op.operands[0]
    if condition.negated:
        return '!= 0'
    return '< 0' if program.edge_interval(condition).signed else ''


def _sum(op: Op, edges: list[str]) -> str:
    terms = sorted(zip(op.operands, edges, strict=True), key=lambda term: term[0].negated)
    text = terms[0][1]
    for edge, name in terms[1:]:
        text += f' {"-" if edge.negated else "+"} {name}'
    return text


def _kind(op: Op) -> FixedType:
    if not isinstance(op.attribute, Quantization):
        raise CodegenError(f'no type in the operation {op.opcode!r}')
    return op.attribute.type


def _comment(text: str) -> str:
    """Text for a line comment: one that ended in a backslash would go on in the next line."""
    return plain(text).replace('\\', '/')
