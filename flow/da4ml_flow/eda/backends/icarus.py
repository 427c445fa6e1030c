"""Icarus Verilog: cycle-accurate simulation of a design in four-valued logic, compiled in a moment and slow to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from da4ml_flow.eda import core_file, fusesoc, tools, vectors, vhdl_bench
from da4ml_flow.eda.simulation import Simulation, num_cycles
from da4ml_flow.errors import Location, ToolFailed

_TIMEOUT_S = 3600.0


def simulate(rtl: Path, codes: vectors.Codes, directory: Path, *, timeout_s: float | None = None) -> Simulation:
    """Compile the design in ``rtl`` and stream input codes, one sample a cycle, through it.

    ``codes`` has a row a sample and a column a field of the input port. Raises ToolFailed, ToolNotFound, InterpError.
    """
    bundle = core_file.load_bundle(rtl)
    lines = vectors.to_lines(vectors.pack(bundle.inputs, codes, bundle.input_bits), bundle.input_bits)
    found = tools.find_all((*tools.SIMULATE_ICARUS, *tools.FRONT_ENDS[bundle.language]))
    project = fusesoc.configure(
        core_file.load_core_name(rtl), 'icarus', cores=(rtl, core_file.ip_root()), directory=directory
    )
    built = fusesoc.build(project, found, timeout_s=timeout_s or _TIMEOUT_S)
    lines += lines[-1:] * (num_cycles(bundle, len(codes)) - len(codes))
    (project.root / vhdl_bench.SAMPLES_FILE).write_text('\n'.join(lines) + '\n')
    running = replace(project, build_command=project.run_command)  # edalize leaves the run to make, too
    ran = fusesoc.build(running, found, timeout_s=timeout_s or _TIMEOUT_S)
    outputs = project.root / vhdl_bench.OUTPUTS_FILE
    got = outputs.read_text().split() if outputs.is_file() else []
    if len(got) != len(lines) or any(len(line) != bundle.output_bits for line in got):
        raise ToolFailed(
            f'Icarus wrote {len(got)} whole samples of {len(lines)}',
            location=Location(str(ran.log)),
        )
    records, unknown = vectors.from_lines(got)
    return Simulation(bundle, len(codes), records, unknown, ran.log, built.wall_s, ran.wall_s)
