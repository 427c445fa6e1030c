"""Yosys as a prover: an emitted design against plain Verilog of its program, over all inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from da4ml_core.codegen.bundle import RtlBundle
from da4ml_core.codegen.reference import reference_verilog
from da4ml_core.ir.program import Program
from da4ml_flow.eda import core_file, fusesoc, tools
from da4ml_flow.eda.parsers.yosys_sat import Verdict, parse_sat
from da4ml_flow.errors import ToolTimeout

# users' names never start so
GOLD, GATE = 'da4ml_reference', 'da4ml_design'
_REFERENCE_FILE = 'reference.v'
_GRACE_S = 60.0  # for Yosys to say that it gave up


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict, with the ports ``x``, ``expected`` and ``got`` by cycle if refuted, and where it is told."""

    verdict: Verdict
    log: Path
    wall_s: float

    @property
    def samples(self) -> tuple[int, ...]:
        """What was on the input port, cycle by cycle; the first is the one whose result is wrong."""
        return self.verdict.ports['in_x']

    @property
    def expected(self) -> int:
        return self.verdict.ports['gold_y'][-1]

    @property
    def got(self) -> int:
        return self.verdict.ports['gate_y'][-1]


def prove(rtl: Path, program: Program, directory: Path, *, timeout_s: float) -> Proof:
    """Prove the design in ``rtl`` equal to its program, or find a sample on which it is not; raises ToolFailed."""
    bundle = core_file.load_bundle(rtl)
    found = tools.find_all((*tools.SYNTHESIZE, *tools.FRONT_ENDS[bundle.language]))
    directory.mkdir(parents=True, exist_ok=True)
    reference = directory.resolve() / _REFERENCE_FILE
    reference.write_text(
        reference_verilog(program, GOLD, bundle.inputs, bundle.outputs, bundle.latency_cycles) + _same_ports(bundle)
    )
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'prove',
        cores=(rtl, core_file.ip_root()),
        directory=directory,
        options={
            'reference': f'../{_REFERENCE_FILE}',
            'limit_s': str(max(1, int(timeout_s))),
            'gold': GOLD,
            'gate': GATE,
        },
    )
    log = project.root / 'yosys.log'
    try:
        finished = fusesoc.build(project, found, timeout_s=timeout_s + _GRACE_S)
    except ToolTimeout:  # before SAT began
        return Proof(Verdict('timeout', {}), directory / 'make.log', timeout_s + _GRACE_S)
    return Proof(parse_sat(log.read_text(errors='replace'), str(log)), log, finished.wall_s)


def _same_ports(bundle: RtlBundle) -> str:
    """The design with the ports of its reference: always enabled."""
    clock = 'input clk, ' if bundle.clocked else ''
    ports = '.x(x), .y(y)' + (', .clk(clk)' if bundle.clocked else '') + (", .ce(1'b1)" if bundle.clock_enable else '')
    x, y = bundle.input_bits - 1, bundle.output_bits - 1
    return f'module {GATE}({clock}input [{x}:0] x, output [{y}:0] y);\n  {bundle.top} made ({ports});\nendmodule\n'
