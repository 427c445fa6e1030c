"""Verilator: lint of a design, and cycle-accurate simulation of it in a compiled harness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from da4ml_core.codegen.bundle import RtlBundle
from da4ml_core.ir.program import Program
from da4ml_flow.eda import core_file, fusesoc, tools, vectors
from da4ml_flow.eda.parsers.verilator_log import LintWarning, parse_warnings
from da4ml_flow.eda.simulation import Simulation, num_cycles
from da4ml_flow.errors import Location, ToolFailed

_LINT_TIMEOUT_S = 600.0
_BUILD_TIMEOUT_S = 3600.0
_RUN_TIMEOUT_S = 3600.0
# the wheel's makefile lacks the option that includes a precompiled header, which only large designs have
_WHEEL_MAKE_OPTIONS = ('CFG_CXXFLAGS_PCH_I=-include',)


def lint(rtl: Path, directory: Path) -> tuple[LintWarning, ...]:
    """Every warning of `verilator -Wall`; raises ToolFailed for an error. The log is ``make.log``."""
    found = tools.find_all(tools.LINT)
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'lint',
        cores=(rtl, core_file.ip_root()),
        directory=directory,
        options={'verilator_options': '-Wno-fatal'},  # warnings are an answer, not an error
    )
    finished = fusesoc.build(project, found, timeout_s=_LINT_TIMEOUT_S)
    return parse_warnings(finished.log.read_text(errors='replace'))


def simulate(
    rtl: Path, codes: vectors.Codes, directory: Path, *, ip_root: Path | None = None, timeout_s: float | None = None
) -> Simulation:
    """Compile the design in ``rtl`` and stream input codes, one sample a cycle, through it.

    ``codes`` has a row a sample and a column a field of the input port. Raises ToolFailed, ToolNotFound, InterpError.
    """
    bundle = core_file.load_bundle(rtl)
    if bundle.initiation_interval != 1:
        raise ToolFailed(f'the harness feeds a sample a cycle, not one in {bundle.initiation_interval}')
    packed = vectors.pack(bundle.inputs, codes, bundle.input_bits)
    found = tools.find_all((*tools.SIMULATE, *tools.FRONT_ENDS[bundle.language]))
    if any(char.isspace() for char in str(directory.resolve())):
        raise ToolFailed(
            f'Verilator cannot compile in a directory with spaces: {directory.resolve()}',
            hint='choose a build root without spaces',
        )
    project = fusesoc.configure(
        core_file.load_core_name(rtl),
        'sim',
        cores=(rtl, ip_root or core_file.ip_root()),
        directory=directory,
        options={'make_options': _WHEEL_MAKE_OPTIONS} if found[0].origin == 'wheel' else {},
    )
    built = fusesoc.build(project, found, timeout_s=timeout_s or _BUILD_TIMEOUT_S)
    samples, outputs = directory.resolve() / 'samples.bin', directory.resolve() / 'outputs.bin'
    packed.tofile(samples)
    cycles = num_cycles(bundle, len(packed))
    arguments = [str(samples), str(outputs), str(len(packed)), str(cycles)]
    ran = fusesoc.execute(project, arguments, timeout_s=timeout_s or _RUN_TIMEOUT_S)
    records = np.fromfile(outputs, dtype=np.uint8)
    width = (bundle.output_bits + 7) // 8
    if records.size != cycles * width:
        raise ToolFailed(
            f'the simulation wrote {records.size} bytes instead of {cycles * width}',
            location=Location(str(ran.log)),
        )
    known = np.zeros(cycles, dtype=np.bool_)  # two-valued logic
    return Simulation(bundle, len(packed), records.reshape(cycles, width), known, ran.log, built.wall_s, ran.wall_s)


def simulate_codes(
    bundle: RtlBundle, ip_root: Path, codes: vectors.Codes, directory: Path, name: str = 'simulated'
) -> vectors.Codes:
    """Output codes of a design for input codes, at its predicted latency; both have a column a field of the port."""
    rtl = directory / 'rtl'
    core_file.write_core(bundle, name, rtl)
    simulation = simulate(rtl, codes, directory / 'simulation', ip_root=ip_root)
    return vectors.unpack(bundle.outputs, simulation.outputs_at(bundle.latency_cycles))


def run_program(program: Program, bundle: RtlBundle, x: Any, directory: Path) -> vectors.Codes:
    """Output codes (n, num_outputs) of the simulated design of a program for external numbers.

    They are what `Executable.run_codes` gives. Raises what :func:`simulate` raises.
    """
    from da4ml_core.interp import encode

    codes = vectors.input_port_codes(program, bundle.inputs, encode(program, x))
    outputs = simulate_codes(bundle, core_file.ip_root(), codes, directory)
    return vectors.output_codes(program, bundle.outputs, outputs)
