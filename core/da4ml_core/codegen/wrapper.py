"""A module around a kernel (valid bits, reset, AXI4-Stream, a port for each element), and timing constraints."""

from __future__ import annotations

from typing import NamedTuple

from da4ml_core.codegen.bundle import RtlBundle
from da4ml_core.codegen.ports import members
from da4ml_core.codegen.protocol import Protocol, Wrapper, wrapper_name
from da4ml_core.codegen.wrapper_verilog import verilog_wrapper
from da4ml_core.codegen.wrapper_vhdl import vhdl_wrapper
from da4ml_core.errors import CodegenError

__all__ = ['Constraints', 'Protocol', 'Wrapper', 'constraints_text', 'wrapper_name', 'wrapper_text']


class Constraints(NamedTuple):
    """Timing of the ports of a design in ns; without a delay its ports are not constrained."""

    clock_ns: float
    input_delay_ns: float | None = None
    output_delay_ns: float | None = None


def wrapper_text(bundle: RtlBundle, wrapper: Wrapper) -> str:
    """The wrapper in the language of its kernel; raises CodegenError for what does not go together."""
    wrapper.check()
    if wrapper.needs_clock_enable and bundle.clocked and not bundle.clock_enable:
        raise CodegenError(f'the kernel {bundle.top} has no clock enable', hint='emit it with clock_enable')
    return (vhdl_wrapper if bundle.language == 'vhdl' else verilog_wrapper)(bundle, wrapper)


def constraints_text(bundle: RtlBundle, constraints: Constraints, wrapper: Wrapper | None = None) -> str:
    """The constraints as Tcl that is XDC and SDC alike; a design without a clock gets a virtual one."""
    axi = wrapper is not None and wrapper.protocol is Protocol.AXI_STREAM
    clock = 'aclk' if axi else 'clk'
    has_clock = bundle.clocked or (wrapper is not None and wrapper.protocol is not Protocol.NONE)
    lines = [f'# Clock and port timing of {bundle.top if wrapper is None else wrapper_name(bundle.top)}, in ns.']
    target = f' [get_ports {clock}]' if has_clock else ''
    lines.append(f'create_clock -name {clock} -period {constraints.clock_ns:g}{target}')
    inputs, outputs = _timed_ports(bundle, wrapper or Wrapper())
    for word, delay_ns, ports in (
        ('input', constraints.input_delay_ns, inputs),
        ('output', constraints.output_delay_ns, outputs),
    ):
        if delay_ns is not None:
            lines.append(f'set_{word}_delay -clock {clock} {delay_ns:g} [get_ports {{{" ".join(ports)}}}]')
    return '\n'.join([*lines, ''])


def _timed_ports(bundle: RtlBundle, wrapper: Wrapper) -> tuple[list[str], list[str]]:
    """The patterns of all input ports but the clock, and of all output ports."""
    if wrapper.protocol is Protocol.AXI_STREAM:
        inputs = ['aresetn', 's_axis_tvalid', 's_axis_tdata[*]', 'm_axis_tready']
        return inputs, ['s_axis_tready', 'm_axis_tvalid', 'm_axis_tdata[*]']
    names = [
        [f'{name}[*]' for name, _ in members(port, fields)] if wrapper.elements else [f'{port}[*]']
        for port, fields in (('x', bundle.inputs), ('y', bundle.outputs))
    ]
    valid = wrapper.protocol is Protocol.VALID
    controls = ['ce'] * (wrapper.clock_enable or bundle.clock_enable) + ['rst'] * wrapper.reset + ['x_valid'] * valid
    return [*controls, *names[0]], ['y_valid'] * valid + names[1]
