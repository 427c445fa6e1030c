"""The ports of a program: which element of the external arrays each field holds, and where its bits lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from da4ml_core.codegen.bundle import PortField
from da4ml_core.errors import CodegenError
from da4ml_core.ir.opcode import InputPort, Quantization
from da4ml_core.ir.program import Program


def ordered_inputs(program: Program) -> list[tuple[int, InputPort]]:
    """Input ops as their fields stand in the port: by external position, then in program order."""
    return sorted(program.input_ops(), key=lambda item: (item[1].position, item[0]))


def input_fields(program: Program) -> tuple[PortField, ...]:
    """A field for each input op, in the order of :func:`ordered_inputs`, packed without gaps."""
    fields: list[PortField] = []
    offset = 0
    for _, port in ordered_inputs(program):
        fields.append(PortField(port.position, offset, port.quantization))
        offset += port.quantization.type.width_bits
    return tuple(fields)


def output_fields(program: Program) -> tuple[PortField, ...]:
    """A field for each output, packed without gaps."""
    fields: list[PortField] = []
    offset = 0
    for position, kind in enumerate(program.output_types):
        fields.append(PortField(position, offset, Quantization(kind)))
        offset += kind.width_bits
    return tuple(fields)


def members(port: str, fields: Sequence[PortField], all_fields: bool = False) -> Iterator[tuple[str, PortField]]:
    """The name of each field of a port; without ``all_fields`` only of those that have bits.

    An element that is read in several types has a member for each.
    """
    seen: dict[int, int] = {}
    for field in fields:
        times = seen[field.position] = seen.get(field.position, 0) + 1
        if field.width_bits or all_fields:
            yield f'{port}{field.position}{f"_{times}" if times > 1 else ""}', field


def port_bits(program: Program, direction: str, fields: tuple[PortField, ...]) -> int:
    """The bits of a port; raises CodegenError if it has none."""
    bits = sum(field.width_bits for field in fields)
    if not bits:
        reason = 'has no elements' if not fields else 'has only elements of zero width'
        raise CodegenError(
            f'program {program.name!r} has no {direction} bits: its {direction} {reason}',
            hint='a design needs at least one bit on each port; is everything quantized or pruned away?',
        )
    return bits
