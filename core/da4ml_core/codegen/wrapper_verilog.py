"""A wrapper around a kernel as Verilog-2001 text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.codegen.comments import element
from da4ml_core.codegen.ports import members
from da4ml_core.codegen.protocol import Protocol, Wrapper, title, wrapper_name


def verilog_wrapper(bundle: RtlBundle, wrapper: Wrapper) -> str:
    """The text of a module that was checked to be possible."""
    body = _axi_stream(bundle) if wrapper.protocol is Protocol.AXI_STREAM else _plain(bundle, wrapper)
    return '\n'.join([f'// {bundle.top} with {title(wrapper)}, written by da4ml-flow.', *_framed(body)])


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
