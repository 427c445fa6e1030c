"""GHDL: analysis of a VHDL design, and simulation of it as it is written, without synthesis."""

from __future__ import annotations

from pathlib import Path

from da4ml_flow.eda import core_file, fusesoc, process, tools, vectors, vhdl_bench
from da4ml_flow.eda.parsers.ghdl_log import parse_warnings
from da4ml_flow.eda.parsers.verilator_log import LintWarning
from da4ml_flow.errors import Location, ToolFailed

_TIMEOUT_S = 3600.0


def lint(rtl: Path, directory: Path) -> tuple[LintWarning, ...]:
    """Every warning of `ghdl -a`; raises ToolFailed for an error. The log is ``make.log``."""
    found = tools.find_all(tools.LINT_VHDL)
    project = fusesoc.configure(
        core_file.load_core_name(rtl), 'lint', cores=(rtl, core_file.ip_root()), directory=directory
    )
    finished = fusesoc.build(project, found, timeout_s=_TIMEOUT_S)
    return parse_warnings(finished.log.read_text(errors='replace'))


def wrong_samples(rtl: Path, codes: vectors.Codes, expected: vectors.Records, directory: Path) -> int:
    """How many samples differ from the expected records of the output port at the predicted latency.

    A bit that is neither 0 nor 1 makes its sample wrong. Input codes have a row a sample, one a cycle.
    """
    bundle = core_file.load_bundle(rtl)
    ghdl, make = tools.find_all(tools.LINT_VHDL)
    project = fusesoc.configure(
        core_file.load_core_name(rtl), 'bench', cores=(rtl, core_file.ip_root()), directory=directory
    )
    fusesoc.build(project, (ghdl, make), timeout_s=_TIMEOUT_S)
    samples, outputs = project.root / vhdl_bench.SAMPLES_FILE, project.root / vhdl_bench.OUTPUTS_FILE
    lines = vectors.to_lines(vectors.pack(bundle.inputs, codes, bundle.input_bits), bundle.input_bits)
    samples.write_text('\n'.join(lines + lines[-1:] * bundle.latency_cycles) + '\n')
    log = directory / 'run.log'
    command = [*ghdl.argv, '--elab-run', '--std=08', vhdl_bench.bench_entity(bundle), '--max-stack-alloc=0']
    process.run(command, cwd=project.root, log=log, timeout_s=_TIMEOUT_S)
    got = outputs.read_text().split()[bundle.latency_cycles :]
    if len(got) != len(codes):
        raise ToolFailed(f'GHDL wrote {len(got)} samples instead of {len(codes)}', location=Location(str(log)))
    return sum(have != want for have, want in zip(got, vectors.to_lines(expected, bundle.output_bits), strict=True))
