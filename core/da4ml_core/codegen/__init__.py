"""Hardware descriptions of scheduled programs."""

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.codegen.hls import HlsBundle, emit_hls
from da4ml_core.codegen.hls_types import DIALECTS
from da4ml_core.codegen.lower import lower
from da4ml_core.codegen.names import identifier
from da4ml_core.codegen.netlist import Netlist
from da4ml_core.codegen.verilog import verilog_table, verilog_text
from da4ml_core.codegen.vhdl import vhdl_table, vhdl_text
from da4ml_core.errors import CodegenError
from da4ml_core.passes.schedule import Schedule

HLS_LANGUAGES = tuple(DIALECTS)

__all__ = [
    'HLS_LANGUAGES',
    'HlsBundle',
    'PortField',
    'RtlBundle',
    'emit_hls',
    'emit_rtl',
    'emit_verilog',
    'emit_vhdl',
    'identifier',
]


def emit_rtl(
    schedule: Schedule, top: str, language: str, shift_registers: bool = True, clock_enable: bool = False
) -> RtlBundle:
    """The design in 'verilog' or 'vhdl'; raises CodegenError as :func:`emit_verilog` does, and for another language."""
    emitters = {'verilog': emit_verilog, 'vhdl': emit_vhdl}
    if language not in emitters:
        raise CodegenError(f'no emitter for {language!r}', hint=f'one of {", ".join(emitters)}')
    return emitters[language](schedule, top, shift_registers, clock_enable)


def emit_verilog(schedule: Schedule, top: str, shift_registers: bool = True, clock_enable: bool = False) -> RtlBundle:
    """The design in Verilog-2001 on the primitives of ``ip``: a file for each table, then the top module's.

    Without ``shift_registers`` it forbids tools to make shift-register LUTs of the registers of values that wait. With
    ``clock_enable`` a clocked design has a port ``ce``: it moves only while that is high. Raises CodegenError if
    ``top`` is not a legal identifier or the program has no input or no output bits.
    """
    netlist = lower(schedule, top, shift_registers, clock_enable)
    tables = {f'{rom.name}.v': verilog_table(rom, netlist.program) for rom in netlist.tables}
    return _bundle(netlist, 'verilog', {**tables, f'{top}.v': verilog_text(netlist)})


def emit_vhdl(schedule: Schedule, top: str, shift_registers: bool = True, clock_enable: bool = False) -> RtlBundle:
    """The same design in VHDL-2008, its files to be compiled in order after the primitives into their library.

    Raises CodegenError as :func:`emit_verilog` does.
    """
    netlist = lower(schedule, top, shift_registers, clock_enable)
    tables = {f'{rom.name}.vhd': vhdl_table(rom, netlist.program) for rom in netlist.tables}
    return _bundle(netlist, 'vhdl', {**tables, f'{top}.vhd': vhdl_text(netlist)})


def _bundle(netlist: Netlist, language: str, files: dict[str, str]) -> RtlBundle:
    return RtlBundle(
        top=netlist.top,
        language=language,
        files=files,
        ip_cores=tuple(f'da4ml:ip:{primitive}' for primitive in netlist.primitives),
        inputs=netlist.inputs,
        outputs=netlist.outputs,
        clocked=netlist.latency_cycles > 0,
        latency_cycles=netlist.latency_cycles,
        clock_enable=netlist.clock_enable,
        shift_registers=netlist.shift_registers,
    )
