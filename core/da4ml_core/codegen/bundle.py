"""What codegen hands to the flow: the text of a design and the facts a tool needs to drive it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from da4ml_core.errors import CodegenError
from da4ml_core.fixed import FixedType, Overflow, Rounding
from da4ml_core.ir.opcode import Quantization

TERNARY_STYLE = 'TERNARY_STYLE'  # the parameter of a top module that adds three operands: see ip/ternary_adder


class PortField(NamedTuple):
    """One array element in a packed port: bits ``offset .. offset + width - 1``; width 0 has no bits.

    ``position`` is its place in the flattened external array; an input's ``quantization`` says how a real number
    becomes its code.
    """

    position: int
    offset: int
    quantization: Quantization

    @property
    def type(self) -> FixedType:
        return self.quantization.type

    @property
    def width_bits(self) -> int:
        return self.quantization.type.width_bits


@dataclass(frozen=True, slots=True)
class RtlBundle:
    """A design as files, its ports, and its timing in cycles.

    Ports of the top module: ``clk`` if ``clocked``, the packed input ``x`` and the packed output ``y``.
    ``latency_cycles`` rising edges of ``clk`` after a sample is put on ``x``, its result is on ``y``; a new sample
    every ``initiation_interval``.
    """

    top: str
    language: str
    files: Mapping[str, str]  # file name -> text, in compile order
    ip_cores: tuple[str, ...]  # FuseSoC names of the primitives used, e.g. 'da4ml:ip:shift_adder'
    inputs: tuple[PortField, ...]
    outputs: tuple[PortField, ...]
    clocked: bool
    latency_cycles: int
    initiation_interval: int = 1
    clock_enable: bool = False  # a port `ce` beside `clk`
    shift_registers: bool = True  # whether tools may make shift-register LUTs of values that wait

    @property
    def parameters(self) -> tuple[str, ...]:
        """Those of the top module: how its adders of three operands are built, if it has any."""
        return (TERNARY_STYLE,) if 'da4ml:ip:ternary_adder' in self.ip_cores else ()

    @property
    def input_bits(self) -> int:
        return _bits(self.inputs)

    @property
    def output_bits(self) -> int:
        return _bits(self.outputs)

    def interface(self) -> dict[str, Any]:
        """Everything but the text of the files, as JSON-ready data."""
        return {
            'top': self.top,
            'language': self.language,
            'files': list(self.files),
            'ip_cores': list(self.ip_cores),
            'inputs': [field_data(field) for field in self.inputs],
            'outputs': [field_data(field) for field in self.outputs],
            'clocked': self.clocked,
            'latency_cycles': self.latency_cycles,
            'initiation_interval': self.initiation_interval,
            'clock_enable': self.clock_enable,
            'shift_registers': self.shift_registers,
        }

    @classmethod
    def from_interface(cls, data: Mapping[str, Any], files: Mapping[str, str]) -> RtlBundle:
        """The bundle back from :meth:`interface` and the text of its files; raises CodegenError on other data."""
        try:
            return cls(
                top=data['top'],
                language=data['language'],
                files={name: files[name] for name in data['files']},
                ip_cores=tuple(data['ip_cores']),
                inputs=tuple(_field(item) for item in data['inputs']),
                outputs=tuple(_field(item) for item in data['outputs']),
                clocked=data['clocked'],
                latency_cycles=data['latency_cycles'],
                initiation_interval=data['initiation_interval'],
                clock_enable=data['clock_enable'],
                shift_registers=data['shift_registers'],
            )
        except (KeyError, TypeError, ValueError) as cause:
            raise CodegenError(f'not the interface of a design: {cause!r}') from cause


def _bits(fields: tuple[PortField, ...]) -> int:
    return max((field.offset + field.width_bits for field in fields), default=0)


def field_data(field: PortField) -> list[Any]:
    """A field as JSON-ready data."""
    kind, rounding, overflow = field.quantization
    return [field.position, field.offset, [kind.signed, kind.int_bits, kind.frac_bits], rounding, overflow]


def _field(item: list[Any]) -> PortField:
    position, offset, kind, rounding, overflow = item
    quantization = Quantization(FixedType.check(*kind), Rounding(rounding), Overflow(overflow))
    return PortField(position, offset, quantization)
