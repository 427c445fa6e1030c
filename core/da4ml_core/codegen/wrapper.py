"""A module around a kernel (valid bits, reset, AXI4-Stream, a port for each element), and timing constraints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.codegen.comments import element
from da4ml_core.codegen.ports import members
from da4ml_core.errors import CodegenError


class Protocol(StrEnum):
    """How samples and results are told from idle cycles."""

    NONE = 'none'
    VALID = 'valid'  # x_valid beside x, y_valid beside y
    AXI_STREAM = 'axi-stream'  # AMBA 4 AXI4-Stream (ARM IHI 0051A): TVALID, TREADY, TDATA in whole bytes


class Wrapper(NamedTuple):
    """What a wrapper has; AXI4-Stream brings its own clock enable, its reset and packed ports."""

    protocol: Protocol = Protocol.NONE
    clock_enable: bool = False
    reset: bool = False
    elements: bool = False

    @property
    def needs_clock_enable(self) -> bool:
        """Whether the kernel within must be able to wait."""
        return self.clock_enable or self.protocol is Protocol.AXI_STREAM

    def check(self) -> None:
        """Raises CodegenError for what does not go together."""
        if self.protocol is Protocol.AXI_STREAM and (self.clock_enable or self.elements or self.reset):
            key = 'clock_enable' if self.clock_enable else 'elements' if self.elements else 'reset'
            raise CodegenError(f'{key} with axi-stream, which has aclk, aresetn and tdata', hint=f'leave {key} out')
        if self.reset and self.protocol is Protocol.NONE:
            raise CodegenError('reset without valid bits: data registers need none', hint='protocol: valid')


class Constraints(NamedTuple):
    """Timing of the ports of a design in ns; without a delay its ports are not constrained."""

    clock_ns: float
    input_delay_ns: float | None = None
    output_delay_ns: float | None = None


def wrapper_name(top: str) -> str:
    """The module around a kernel."""
    return f'{top}_wrapper'


def wrapper_text(bundle: RtlBundle, wrapper: Wrapper) -> str:
    """The wrapper in Verilog-2001; raises CodegenError for what does not go together."""
    wrapper.check()
    if wrapper.needs_clock_enable and bundle.clocked and not bundle.clock_enable:
        raise CodegenError(f'the kernel {bundle.top} has no clock enable', hint='emit it with clock_enable')
    body = _axi_stream(bundle) if wrapper.protocol is Protocol.AXI_STREAM else _plain(bundle, wrapper)
    return '\n'.join([f'// {bundle.top} with {_title(wrapper)}, written by da4ml-flow.', *_framed(body)])


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


def _title(wrapper: Wrapper) -> str:
    if wrapper.protocol is Protocol.AXI_STREAM:
        return 'AXI4-Stream'
    parts = ['valid bits'] * (wrapper.protocol is Protocol.VALID)
    parts += ['a synchronous reset'] * wrapper.reset + ['a clock enable'] * wrapper.clock_enable
    parts += ['a port for each element'] * wrapper.elements
    return ', '.join(parts) or 'the ports of the kernel'


def _framed(body: Iterator[str]) -> Iterator[str]:
    yield from ('', '`default_nettype none', '', *body, '', '`default_nettype wire', '')


def _plain(bundle: RtlBundle, wrapper: Wrapper) -> Iterator[str]:
    """Kernel ports, or one for each element, with valid bits that travel beside the data."""
    latency = bundle.latency_cycles
    valid = wrapper.protocol is Protocol.VALID
    unused: list[str] = []
    ports: list[str] = []
    if bundle.clocked or valid:
        ports.append('input  wire clk')
    if wrapper.clock_enable:
        ports.append('input  wire ce')
    if wrapper.reset:
        ports.append('input  wire rst')
    if valid:
        ports += ['input  wire x_valid', 'output wire y_valid']
    ports += _data_ports('input ', 'x', bundle.inputs, bundle.input_bits, wrapper.elements)
    ports += _data_ports('output', 'y', bundle.outputs, bundle.output_bits, wrapper.elements)
    yield from _module(bundle)
    yield ',\n'.join(f'    {port}' for port in ports)
    yield ');'
    x, y = 'x', 'y'
    if wrapper.elements:
        x, y = 'x_packed', 'y_packed'
        yield f'    wire [{bundle.input_bits - 1}:0] {x};'
        yield f'    wire [{bundle.output_bits - 1}:0] {y};'
        for name, field in members('x', bundle.inputs):
            yield f'    assign {x}[{field.offset} +: {field.width_bits}] = {name};  // {element("x", field)}'
        for name, field in members('y', bundle.outputs):
            yield f'    assign {name} = {y}[{field.offset} +: {field.width_bits}];  // {element("y", field)}'
    yield from _kernel(bundle, 'clk', 'ce' if wrapper.clock_enable else "1'b1", x, y)
    if valid and latency:
        yield from _valid_chain(latency, 'clk', 'ce' if wrapper.clock_enable else '', 'rst' if wrapper.reset else '')
        yield f'    assign y_valid = valid[{latency - 1}];'
    else:
        unused += ['clk'] * valid + ['ce'] * wrapper.clock_enable + ['rst'] * wrapper.reset
        if valid:
            yield '    assign y_valid = x_valid;'
    if unused:
        yield f"    wire unused = &{{1'b0, {', '.join(unused)}}};"
    yield 'endmodule'


def _axi_stream(bundle: RtlBundle) -> Iterator[str]:
    """The pipeline moves unless its last stage holds a result that nobody takes: full rate, no buffers."""
    latency = bundle.latency_cycles
    in_bits, out_bits = (-(-bits // 8) * 8 for bits in (bundle.input_bits, bundle.output_bits))
    yield from _module(bundle)
    yield '    input  wire aclk,'
    yield '    input  wire aresetn,'
    yield '    input  wire s_axis_tvalid,'
    yield '    output wire s_axis_tready,'
    yield f'    input  wire [{in_bits - 1}:0] s_axis_tdata,'
    yield '    output wire m_axis_tvalid,'
    yield '    input  wire m_axis_tready,'
    yield f'    output wire [{out_bits - 1}:0] m_axis_tdata'
    yield ');'
    yield f'    wire [{bundle.output_bits - 1}:0] y;'
    unused = []
    if latency:
        yield '    wire ce = m_axis_tready | ~m_axis_tvalid;'
        yield '    wire rst = ~aresetn;'
        yield '    wire x_valid = s_axis_tvalid;'
        yield '    // Nothing is taken during reset.'
        yield '    assign s_axis_tready = ce & aresetn;'
    else:
        unused += ['aclk', 'aresetn']
        yield '    assign s_axis_tready = m_axis_tready;'
        yield '    assign m_axis_tvalid = s_axis_tvalid;'
    yield from _kernel(bundle, 'aclk', 'ce', f's_axis_tdata[{bundle.input_bits - 1}:0]', 'y')
    if latency:
        yield from _valid_chain(latency, 'aclk', 'ce', 'rst')
        yield f'    assign m_axis_tvalid = valid[{latency - 1}];'
    padding = out_bits - bundle.output_bits
    yield f"    assign m_axis_tdata = {f'''{{{padding}'h0, y}}''' if padding else 'y'};"
    if in_bits > bundle.input_bits:
        unused.append(f's_axis_tdata[{in_bits - 1}:{bundle.input_bits}]')
    if unused:
        yield f"    wire unused = &{{1'b0, {', '.join(unused)}}};"
    yield 'endmodule'


def _module(bundle: RtlBundle) -> Iterator[str]:
    """The head of the wrapper; it has the parameters of its kernel."""
    parameters = ', '.join(f'parameter {name} = 0' for name in bundle.parameters)
    yield f'module {wrapper_name(bundle.top)} {f"#({parameters}) " if parameters else ""}('


def _kernel(bundle: RtlBundle, clock: str, enable: str, x: str, y: str) -> Iterator[str]:
    ports = [f'.clk({clock})'] if bundle.clocked else []
    if bundle.clock_enable:
        ports.append(f'.ce({enable})')
    parameters = ', '.join(f'.{name}({name})' for name in bundle.parameters)
    module = f'{bundle.top} #({parameters})' if parameters else bundle.top
    yield f'    {module} kernel ({", ".join([*ports, f".x({x})", f".y({y})"])});'


def _valid_chain(latency: int, clock: str, enable: str, reset: str) -> Iterator[str]:
    """Bit i says whether what entered i + 1 moves of the pipeline ago was a sample."""
    shifted = f'{{valid[{latency - 2}:0], x_valid}}' if latency > 1 else 'x_valid'
    yield f'    reg [{latency - 1}:0] valid;'
    move = f'if ({enable}) valid <= {shifted};' if enable else f'valid <= {shifted};'
    yield f'    always @(posedge {clock})'
    if reset:
        yield f"        if ({reset}) valid <= {latency}'h0;"
        yield f'        else {move}'
    else:
        yield f'        {move}'


def _data_ports(direction: str, port: str, fields: Sequence[PortField], bits: int, elements: bool) -> list[str]:
    if not elements:
        return [f'{direction} wire [{bits - 1}:0] {port}']
    return [
        f'{direction} wire {"signed " if field.type.signed else ""}[{field.width_bits - 1}:0] {name}'
        for name, field in members(port, fields)
    ]
