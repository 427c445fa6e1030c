"""A wrapper around a kernel as VHDL-2008 text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.codegen.comments import element
from da4ml_core.codegen.ports import members
from da4ml_core.codegen.protocol import Protocol, Wrapper, title, wrapper_name


class _Parts(NamedTuple):
    """The ports of an entity, and the declarations and statements of its architecture."""

    ports: list[str]
    signals: list[str]
    statements: list[str]


def vhdl_wrapper(bundle: RtlBundle, wrapper: Wrapper) -> str:
    """The text of an entity that was checked to be possible; the kernel is looked up in the library `work`."""
    parts = _axi_stream(bundle) if wrapper.protocol is Protocol.AXI_STREAM else _plain(bundle, wrapper)
    name = wrapper_name(bundle.top)
    lines = [
        f'-- {bundle.top} with {title(wrapper)}, written by da4ml-flow.',
        '',
        'library ieee;',
        'use ieee.std_logic_1164.all;',
        '',
        f'entity {name} is',
        *(f'    generic ({generic} : natural range 0 to 8 := 0);' for generic in bundle.parameters),
        '    port (',
        *(f'        {port}{";" if port is not parts.ports[-1] else ""}' for port in parts.ports),
        '    );',
        f'end entity {name};',
        '',
        f'architecture rtl of {name} is',
        *(f'    signal {signal};' for signal in parts.signals),
        'begin',
        *(f'    {statement}' for statement in parts.statements),
        'end architecture rtl;',
        '',
    ]
    return '\n'.join(lines)


def _plain(bundle: RtlBundle, wrapper: Wrapper) -> _Parts:
    """Kernel ports, or one for each element, with valid bits that travel beside the data."""
    latency = bundle.latency_cycles
    valid = wrapper.protocol is Protocol.VALID
    controls = ['clk'] * (bundle.clocked or valid) + ['ce'] * wrapper.clock_enable + ['rst'] * wrapper.reset
    ports = [f'{name} : in std_logic' for name in controls]
    if valid:
        ports += ['x_valid : in std_logic', 'y_valid : out std_logic']
    ports += _data_ports('in', 'x', bundle.inputs, bundle.input_bits, wrapper.elements)
    ports += _data_ports('out', 'y', bundle.outputs, bundle.output_bits, wrapper.elements)
    signals, statements = [], []
    x, y = 'x', 'y'
    if wrapper.elements:
        x, y = 'x_packed', 'y_packed'
        signals += [f'{x} : {_vector(bundle.input_bits)}', f'{y} : {_vector(bundle.output_bits)}']
        for name, field in members('x', bundle.inputs):
            statements.append(f'{x}({_range(field)}) <= {name};  -- {element("x", field)}')
        for name, field in members('y', bundle.outputs):
            statements.append(f'{name} <= {y}({_range(field)});  -- {element("y", field)}')
    statements += _kernel(bundle, 'clk', 'ce' if wrapper.clock_enable else "'1'", x, y)
    if valid and latency:
        signals.append(f'valid : {_vector(latency)}')
        statements += _valid_chain(latency, 'clk', 'ce' if wrapper.clock_enable else '', 'rst' if wrapper.reset else '')
        statements.append(f'y_valid <= valid({latency - 1});')
    elif valid:
        statements.append('y_valid <= x_valid;')
    return _Parts(ports, signals, statements)


def _axi_stream(bundle: RtlBundle) -> _Parts:
    """The pipeline moves unless its last stage holds a result that nobody takes: full rate, no buffers."""
    latency = bundle.latency_cycles
    in_bits, out_bits = (-(-bits // 8) * 8 for bits in (bundle.input_bits, bundle.output_bits))
    ports = [
        'aclk : in std_logic',
        'aresetn : in std_logic',
        's_axis_tvalid : in std_logic',
        's_axis_tready : out std_logic',
        f's_axis_tdata : in {_vector(in_bits)}',
        'm_axis_tvalid : out std_logic',
        'm_axis_tready : in std_logic',
        f'm_axis_tdata : out {_vector(out_bits)}',
    ]
    signals = [f'y : {_vector(bundle.output_bits)}']
    statements = []
    if latency:
        signals += ['ce : std_logic', 'rst : std_logic', 'x_valid : std_logic', f'valid : {_vector(latency)}']
        statements += [
            f'ce <= m_axis_tready or not valid({latency - 1});',
            'rst <= not aresetn;',
            'x_valid <= s_axis_tvalid;',
            '-- Nothing is taken during reset.',
            's_axis_tready <= ce and aresetn;',
        ]
    else:
        statements += ['s_axis_tready <= m_axis_tready;', 'm_axis_tvalid <= s_axis_tvalid;']
    statements += _kernel(bundle, 'aclk', 'ce', f's_axis_tdata({bundle.input_bits - 1} downto 0)', 'y')
    if latency:
        statements += _valid_chain(latency, 'aclk', 'ce', 'rst')
        statements.append(f'm_axis_tvalid <= valid({latency - 1});')
    padding = out_bits - bundle.output_bits
    padded = f'"{"0" * padding}" & y' if padding else 'y'
    return _Parts(ports, signals, [*statements, f'm_axis_tdata <= {padded};'])


def _kernel(bundle: RtlBundle, clock: str, enable: str, x: str, y: str) -> Iterator[str]:
    ports = [f'clk => {clock}'] if bundle.clocked else []
    if bundle.clock_enable:
        ports.append(f'ce => {enable}')
    yield f'kernel : entity work.{bundle.top}'
    if bundle.parameters:
        yield f'    generic map ({", ".join(f"{name} => {name}" for name in bundle.parameters)})'
    yield f'    port map ({", ".join([*ports, f"x => {x}", f"y => {y}"])});'


def _valid_chain(latency: int, clock: str, enable: str, reset: str) -> Iterator[str]:
    """Bit i says whether what entered i + 1 moves of the pipeline ago was a sample."""
    move = f'valid <= valid({latency - 2} downto 0) & x_valid;' if latency > 1 else 'valid(0) <= x_valid;'
    steps = [(f"{reset} = '1'", "valid <= (others => '0');")] * bool(reset)
    steps += [(f"{enable} = '1'" if enable else '', move)]
    yield f'move : process ({clock})'
    yield 'begin'
    yield f'    if rising_edge({clock}) then'
    indent = '        '
    for place, (condition, step) in enumerate(steps):
        if condition:
            yield f'{indent}{"elsif" if place else "if"} {condition} then'
        elif place:
            yield f'{indent}else'
        yield f'{indent}{"    " if condition or place else ""}{step}'
    if len(steps) > 1 or enable:
        yield f'{indent}end if;'
    yield '    end if;'
    yield 'end process move;'


def _data_ports(direction: str, port: str, fields: Sequence[PortField], bits: int, elements: bool) -> list[str]:
    if not elements:
        return [f'{port} : {direction} {_vector(bits)}']
    return [f'{name} : {direction} {_vector(field.width_bits)}' for name, field in members(port, fields)]


def _vector(bits: int) -> str:
    return f'std_logic_vector({bits - 1} downto 0)'


def _range(field: PortField) -> str:
    return f'{field.offset + field.width_bits - 1} downto {field.offset}'
