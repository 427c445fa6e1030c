"""From a schedule to a netlist: every live value becomes a signal, every crossing of a stage a register."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from da4ml_core.codegen.bundle import PortField
from da4ml_core.codegen.names import check_identifier
from da4ml_core.codegen.netlist import (
    TERNARY,
    Assignment,
    Bits,
    Copies,
    Instance,
    Literal,
    Netlist,
    Piece,
    Register,
    Rom,
    Signal,
    Slice,
    Stage,
)
from da4ml_core.codegen.ports import input_fields, ordered_inputs, output_fields, port_bits
from da4ml_core.fixed import Interval, Overflow, Rounding, round_code
from da4ml_core.ir.opcode import BitFunction, InputPort
from da4ml_core.ir.program import Op, Operand
from da4ml_core.ir.table import Lookup
from da4ml_core.ir.text import op_text, table_numbers
from da4ml_core.passes.datapath import (
    Combination,
    Conversion,
    Product,
    Reading,
    Rectification,
    Selection,
    Sum,
    Trimmed,
    Wiring,
    build,
)
from da4ml_core.passes.schedule import Schedule

ROUNDINGS = tuple(Rounding)  # the numbers of the modes in da4ml_quantize are their places here
OVERFLOWS = tuple(Overflow)
BIT_FUNCTIONS = tuple(BitFunction)  # likewise in da4ml_bitwise


def lower(schedule: Schedule, top: str, shift_registers: bool = True, clock_enable: bool = False) -> Netlist:
    """The netlist of a schedule; raises CodegenError for an illegal name and for a port without any bit."""
    check_identifier(top, 'top module')
    return _Lowering(schedule, top, shift_registers, clock_enable).netlist()


class _Lowering:
    """The signals made so far, one for each value and stage that needs it, and which of their bits are read."""

    def __init__(self, schedule: Schedule, top: str, shift_registers: bool, clock_enable: bool) -> None:
        self.schedule = schedule
        self.shift_registers = shift_registers
        self.clock_enable = clock_enable and schedule.latency_cycles > 0
        self.program = schedule.program
        self.top = top
        self.inputs = input_fields(self.program)
        self.outputs = output_fields(self.program)
        self.input_port = Signal('x', port_bits(self.program, 'input', self.inputs))
        self.output_port = Signal('y', port_bits(self.program, 'output', self.outputs))
        self.input_fields = {
            index: field for (index, _), field in zip(ordered_inputs(self.program), self.inputs, strict=True)
        }
        self.table_numbers = table_numbers(self.program)
        self.tables: dict[tuple[int, int, tuple[tuple[int, int], ...]], Rom] = {}
        self.signals: dict[tuple[int, int], Signal] = {}  # (value, stage)
        self.read: dict[Signal, int] = {}  # a mask of the bits that something reads

    def netlist(self) -> Netlist:
        schedule = self.schedule
        taps = _taps(schedule)
        registers: dict[int, list[Register]] = defaultdict(list)
        logic: dict[int, list[tuple[str, list[Assignment | Instance]]]] = defaultdict(list)
        self.read[self.input_port] = 0
        for index, op in enumerate(self.program.ops):
            if not schedule.windows[index].width_bits:
                continue
            made_in = schedule.stages[index]
            logic[made_in].append((op.origin, self._value(index, op)))
            previous, stage_before = self.signals[index, made_in], made_in
            steps = taps[index]
            if self.clock_enable and steps:
                steps = list(range(made_in + 1, steps[-1] + 1))  # a register each: a delay line has no enable
            for stage in steps:
                delayed = self._new_signal(index, stage)
                registers[stage].append(
                    Register(delayed, self._use((Slice(previous, 0, previous.width_bits),)), stage - stage_before)
                )
                previous, stage_before = delayed, stage
        results = tuple(
            (field, self._use(self._output(edge, field)))
            for field, edge in zip(self.outputs, self.program.outputs, strict=True)
        )
        stages = tuple(
            Stage(stage, tuple(registers[stage]), _by_origin(logic[stage]))
            for stage in range(schedule.input_stage, schedule.output_stage + 1)
        )
        return Netlist(
            self.top,
            self.program.name,
            self.inputs,
            self.outputs,
            self.input_port,
            self.output_port,
            schedule.latency_cycles,
            schedule.register_bits,
            stages,
            tuple(self.tables.values()),
            results,
            tuple(self._unread()),
            self.shift_registers,
            self.clock_enable,
        )

    def _value(self, index: int, op: Op) -> list[Assignment | Instance]:
        """The logic of one value, in the stage it is made in."""
        stage = self.schedule.stages[index]
        interval, window = self.schedule.intervals[index], self.schedule.windows[index]
        lo, hi = interval.exp + window.lo, interval.exp + window.hi
        signal = self._new_signal(index, stage)
        comment = op_text(index, op, self.table_numbers)
        if isinstance(op.attribute, InputPort):
            field = self.input_fields[index]
            port = (Slice(self.input_port, field.offset, field.offset + field.width_bits),)
            bits = _extended(port, field.type.signed, -field.type.frac_bits, lo, hi)
            return [Assignment(signal, self._use(bits), comment)]
        plan = build(op, window, self.schedule.intervals, index)
        if isinstance(plan, Wiring):
            bits = self._wired(plan.operands, stage, lo, hi)
            return [Assignment(signal, self._use(bits), comment)]
        if isinstance(plan, Sum):
            primitive, parameters = _sum_parameters(plan)
            return [self._instance(primitive, parameters, plan.operands, stage, signal, comment)]
        if isinstance(plan, Selection):
            return self._selection(plan, stage, signal, comment, lo, hi)
        if isinstance(plan, Combination):
            inputs, nodes = self._extended_inputs(plan.operands, stage, signal, lo, hi)
            parameters = {'WIDTH': hi - lo, 'OPERATION': BIT_FUNCTIONS.index(plan.function)}
            return [*nodes, Instance('bitwise', tuple(parameters.items()), tuple(inputs), signal, comment)]
        operand = plan.operands[0]
        table = None
        if isinstance(plan, Reading):
            primitive, signed, exp = 'table', plan.signed, plan.exp
            parameters, table = {}, self._table(plan)
        elif isinstance(plan, Rectification):
            primitive, signed, exp = 'relu', False, operand.exp
            parameters = {'A_WIDTH': operand.width_bits}
        elif isinstance(plan, Product):
            primitive, signed, exp = 'multiplier', plan.signed, plan.exp
            parameters = _operand_parameters(plan.operands)
        else:
            primitive, signed, exp = 'quantize', plan.signed, plan.exp
            parameters = _conversion_parameters(plan)
        if table is None:
            parameters['Y_WIDTH'] = plan.width_bits
        if (exp, exp + plan.width_bits) == (lo, hi):
            return [self._instance(primitive, parameters, plan.operands, stage, signal, comment, table)]
        whole = Signal(f'{signal.name}_{primitive}', plan.width_bits, signed)
        self.read[whole] = 0
        instance = self._instance(primitive, parameters, plan.operands, stage, whole, comment, table)
        bits = _extended((Slice(whole, 0, whole.width_bits),), signed, exp, lo, hi)
        return [instance, Assignment(signal, self._use(bits))]

    def _selection(
        self, plan: Selection, stage: int, signal: Signal, comment: str, lo: int, hi: int
    ) -> list[Assignment | Instance]:
        """A multiplexer; a branch that does not fill the result is extended first."""
        condition, *branches = plan.operands
        inputs, nodes = self._extended_inputs(branches, stage, signal, lo, hi)
        inputs = [('s', self._use(self._bits(condition, stage))), *inputs]
        return [*nodes, Instance('mux', (('WIDTH', hi - lo),), tuple(inputs), signal, comment)]

    def _extended_inputs(
        self, operands: Sequence[Trimmed], stage: int, signal: Signal, lo: int, hi: int
    ) -> tuple[list[tuple[str, Bits]], list[Assignment | Instance]]:
        """The ports a and b with all bits from ``2**lo`` up to ``2**hi``, and the signals made for that."""
        inputs: list[tuple[str, Bits]] = []
        nodes: list[Assignment | Instance] = []
        for port, operand in zip('ab', operands, strict=True):
            bits = self._use(self._wired((operand,) if operand.width_bits else (), stage, lo, hi))
            if len(bits) > 1 or isinstance(bits[0], Copies):
                extended = Signal(f'{signal.name}_{port}', hi - lo)
                nodes.append(Assignment(extended, bits))
                bits = (Slice(extended, 0, hi - lo),)
            inputs.append((port, bits))
        return inputs, nodes

    def _instance(
        self,
        primitive: str,
        parameters: dict[str, int],
        operands: tuple[Trimmed, ...],
        stage: int,
        target: Signal,
        comment: str,
        table: Rom | None = None,
    ) -> Instance:
        inputs = []
        for port, operand in zip('abc', operands, strict=False):
            bits = self._use(self._bits(operand, stage))
            padding = parameters.get(f'{port.upper()}_WIDTH', operand.width_bits) - operand.width_bits
            inputs.append((port, (*bits, Literal(0, padding)) if padding else bits))
        return Instance(primitive, tuple(parameters.items()), tuple(inputs), target, comment, table)

    def _table(self, plan: Reading) -> Rom:
        """The table of a reading, shared with all that read the same entries with the same bits."""
        (operand,) = plan.operands
        widths = operand.width_bits, plan.width_bits
        key = (*widths, _entries(plan.lookup, plan.source, *widths))
        rom = Rom(f'{self.top}_table{len(self.tables)}', *key)
        return self.tables.setdefault(key, rom)

    def _output(self, edge: Operand, field: PortField) -> Bits:
        """The bits of one output field; none if it has no width."""
        if not field.width_bits:
            return ()
        interval = self.schedule.intervals[edge.index].shifted(edge.shift)
        lo, hi = -field.type.frac_bits, field.width_bits - field.type.frac_bits
        if interval.is_constant:
            code = interval.at(lo).lo
            return (Literal(code & ((1 << field.width_bits) - 1), field.width_bits),)
        signal = self.signals[edge.index, self.schedule.output_stage]
        return _extended((Slice(signal, 0, signal.width_bits),), interval.signed, interval.exp, lo, hi)

    def _wired(self, operands: tuple[Trimmed, ...], stage: int, lo: int, hi: int) -> Bits:
        if not operands:
            return (Literal(0, hi - lo),)
        pieces: Bits = ()
        for operand, above in zip(operands, (*operands[1:], None), strict=True):
            top = hi if above is None else above.exp
            pieces = (*_extended(self._bits(operand, stage), operand.signed, operand.exp, lo, top), *pieces)
            lo = top
        return pieces

    def _bits(self, operand: Trimmed, stage: int) -> Bits:
        window = operand.window
        if operand.value is None:
            mask = (1 << window.width_bits) - 1
            return (Literal((operand.code >> window.lo) & mask, window.width_bits),)
        base = self.schedule.windows[operand.value].lo
        return (Slice(self.signals[operand.value, stage], window.lo - base, window.hi - base),)

    def _new_signal(self, index: int, stage: int) -> Signal:
        interval, window = self.schedule.intervals[index], self.schedule.windows[index]
        made_here = stage == self.schedule.stages[index]
        signal = Signal(
            f'v{index}' if made_here else f'v{index}_s{stage}',
            window.width_bits,
            interval.signed and window.hi == interval.width_bits,
        )
        self.signals[index, stage] = signal
        self.read[signal] = 0
        return signal

    def _use(self, bits: Bits) -> Bits:
        """The same bits, noted as read."""
        for piece in bits:
            if isinstance(piece, Slice):
                self.read[piece.signal] |= (1 << piece.hi) - (1 << piece.lo)
            elif isinstance(piece, Copies):
                self.read[piece.signal] |= 1 << piece.bit
        return bits

    def _unread(self) -> Iterator[Slice]:
        """Runs of bits that nothing reads."""
        for signal, mask in self.read.items():
            start = 0
            for bit in range(signal.width_bits + 1):
                if bit == signal.width_bits or mask >> bit & 1:
                    if start < bit:
                        yield Slice(signal, start, bit)
                    start = bit + 1


def _extended(bits: Bits, signed: bool, exp: int, lo: int, hi: int) -> Bits:
    """Bits from weight ``2**lo`` up to ``2**hi`` of a number (one piece, in steps of ``2**exp``)."""
    (number,) = bits
    top = exp + number.width_bits
    pieces: list[Piece] = []
    if hi > top:
        copies = hi - max(lo, top)
        pieces.append(_sign(number, copies) if signed else Literal(0, copies))
    if hi > exp and lo < top:
        pieces.append(_part(number, max(lo, exp) - exp, min(hi, top) - exp))
    if lo < exp:
        pieces.append(Literal(0, min(hi, exp) - lo))
    return tuple(pieces)


def _part(piece: Piece, lo: int, hi: int) -> Piece:
    if isinstance(piece, Slice):
        return Slice(piece.signal, piece.lo + lo, piece.lo + hi)
    if isinstance(piece, Literal):
        return Literal((piece.code >> lo) & ((1 << (hi - lo)) - 1), hi - lo)
    return piece._replace(width_bits=hi - lo)


def _sign(piece: Piece, copies: int) -> Piece:
    if isinstance(piece, Slice):
        return Copies(piece.signal, piece.hi - 1, copies)
    if isinstance(piece, Literal):
        negative = piece.code >> (piece.width_bits - 1) & 1
        return Literal(((1 << copies) - 1) * negative, copies)
    return piece._replace(width_bits=copies)


@lru_cache(maxsize=256)
def _entries(lookup: Lookup, source: Interval, address_bits: int, entry_bits: int) -> tuple[tuple[int, int], ...]:
    """What a table holds for the codes of an operand that it is for: their bits, and those of their entries."""
    up = lookup.exp - source.exp
    entries = []
    for place, entry in enumerate(lookup.table.entries, lookup.first):
        code = round_code(place, -up, Rounding.TRN)
        if round_code(code, up, Rounding.TRN) == place and source.lo <= code <= source.hi:
            entries.append((code & ((1 << address_bits) - 1), entry & ((1 << entry_bits) - 1)))
    return tuple(entries)


def _operand_parameters(operands: tuple[Trimmed, ...]) -> dict[str, int]:
    parameters = {}
    for port, operand in zip('ABC', operands, strict=False):
        parameters[f'{port}_WIDTH'] = operand.width_bits
        parameters[f'{port}_SIGNED'] = int(operand.signed)
    return parameters


def _sum_parameters(plan: Sum) -> tuple[str, dict[str, int]]:
    primitive = {1: 'negate', 2: 'shift_adder', 3: TERNARY}[len(plan.operands)]
    parameters = {}
    for port, operand, negated in zip('ABC', plan.operands, plan.negated, strict=False):
        parameters[f'{port}_WIDTH'] = operand.width_bits
        parameters[f'{port}_SIGNED'] = int(operand.signed)
        parameters[f'{port}_SHIFT'] = operand.exp - plan.exp
        if primitive == TERNARY and port != 'A':
            parameters[f'SUBTRACT_{port}'] = int(negated)
    if primitive == 'shift_adder':
        parameters['SUBTRACT'] = int(plan.negated[1])
    parameters['DROP'] = plan.drop
    parameters['Y_WIDTH'] = plan.width_bits
    return primitive, parameters


def _conversion_parameters(plan: Conversion) -> dict[str, int]:
    (operand,) = plan.operands
    return {
        'A_WIDTH': operand.width_bits + max(0, -plan.shift),
        'A_SIGNED': int(operand.signed),
        'SHIFT': max(0, plan.shift),
        'ROUNDING': ROUNDINGS.index(plan.rounding),
        'OVERFLOW': OVERFLOWS.index(plan.overflow),
        'Y_SIGNED': int(plan.signed),
    }


def _taps(schedule: Schedule) -> list[list[int]]:
    """The stages after its own in which each live value is needed, in ascending order."""
    program, stages, windows = schedule.program, schedule.stages, schedule.windows
    needed: list[set[int]] = [set() for _ in program.ops]
    for index, op in enumerate(program.ops):
        if windows[index].width_bits:
            for edge in op.operands:
                needed[edge.index].add(stages[index])
    for edge in program.outputs:
        needed[edge.index].add(schedule.output_stage)
    return [sorted(stage for stage in stages_ if stage > own) for own, stages_ in zip(stages, needed, strict=True)]


def _by_origin(
    logic: list[tuple[str, list[Assignment | Instance]]],
) -> tuple[tuple[str, tuple[Assignment | Instance, ...]], ...]:
    """Neighbours of one origin together."""
    return tuple(
        (origin, tuple(node for _, nodes in group for node in nodes))
        for origin, group in groupby(logic, key=lambda item: item[0])
    )
