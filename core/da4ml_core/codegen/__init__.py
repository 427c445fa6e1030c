"""Hardware descriptions of scheduled programs."""

from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.codegen.lower import lower
from da4ml_core.codegen.names import identifier
from da4ml_core.codegen.verilog import verilog_text
from da4ml_core.passes.schedule import Schedule

__all__ = ['PortField', 'RtlBundle', 'emit_verilog', 'identifier']


def emit_verilog(schedule: Schedule, top: str) -> RtlBundle:
    """The design as one Verilog-2001 file on the primitives of ``ip``.

    Raises CodegenError if ``top`` is not a legal identifier or the program has no input or no output bits.
    """
    netlist = lower(schedule, top)
    return RtlBundle(
        top=top,
        language='verilog',
        files={f'{top}.v': verilog_text(netlist)},
        ip_cores=tuple(f'da4ml:ip:{primitive}' for primitive in netlist.primitives),
        inputs=netlist.inputs,
        outputs=netlist.outputs,
        clocked=netlist.latency_cycles > 0,
        latency_cycles=netlist.latency_cycles,
    )
