"""Simulation of the hardware description, every output bit and the latency compared with the interpreter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome

if TYPE_CHECKING:
    from da4ml_core.codegen.bundle import RtlBundle
    from da4ml_core.ir.program import Program
    from da4ml_flow.eda.simulation import Simulation
    from da4ml_flow.eda.vectors import Codes, Records

_SHOWN = 20
_NATIVE_SAMPLES = 256  # of all, in GHDL, which is slow
_RANDOM_SAMPLES = 256  # beside a dataset, which is never at the corners


class Simulate:
    """Makes ``simulation_report``, a readable text, and ``simulation_log``.

    Samples of the dataset come first, then the corners of the input ranges, then random samples. VHDL is simulated
    twice: what GHDL synthesizes from it on all samples, and the source itself, in GHDL, on some of them.
    """

    name = 'simulate'
    inputs = ('program', 'rtl')
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        section, dataset = config.simulate, config.model.dataset
        if section is None:
            return None
        data = None if dataset is None else {'path': dataset.path, 'inputs': dataset.inputs}
        return {'tool': section.tool, 'samples': section.samples, 'dataset': data}

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        from da4ml_flow.eda import fusesoc, tools

        icarus = config.simulate is not None and config.simulate.tool == 'icarus'
        found = tools.find_all(tools.SIMULATE_ICARUS)[:1] if icarus else tools.find_all(tools.SIMULATE)[:2]
        found += tools.find_all(tools.FRONT_ENDS[config.rtl.language])
        return (*(tool.record for tool in found), *fusesoc.libraries())

    def run(self, context: StageContext) -> StageOutcome:
        import numpy as np

        from da4ml_core.interp import Executable
        from da4ml_core.ir.serialize import load_program
        from da4ml_flow.eda import core_file, vectors
        from da4ml_flow.eda.backends import ghdl, icarus, verilator

        section = context.config.simulate
        if section is None:
            return StageOutcome()
        tool, timeout_s = section.tool, section.timeout_s
        program = load_program(context.artifacts['program'])
        rtl = context.artifacts['rtl']
        bundle = core_file.load_bundle(rtl)
        codes, from_dataset = _input_codes(program, context.config)
        expected = Executable(program).run_codes(codes)
        port_codes = vectors.input_port_codes(program, bundle.inputs, codes)
        vhdl = bundle.language == core_file.VHDL
        context.report(f'{len(codes)} samples in {tool.title()}{", of what GHDL synthesizes" if vhdl else ""}')
        simulator = icarus if tool == 'icarus' else verilator
        simulation = simulator.simulate(rtl, port_codes, context.directory / tool, timeout_s=timeout_s)
        output_codes = vectors.output_port_codes(program, bundle.outputs, expected)
        records = vectors.pack(bundle.outputs, output_codes, bundle.output_bits)
        latency = simulation.find_latency(records)
        mismatches, lines = _compare(simulation, records, latency, from_dataset)
        ok = latency == bundle.latency_cycles
        if vhdl:
            lines[0] += f', in {tool.title()} through ghdl synth'
            context.report('the same VHDL in GHDL itself')
            chosen = np.unique(np.linspace(0, len(codes) - 1, _NATIVE_SAMPLES).astype(int))
            wrong = ghdl.wrong_samples(rtl, port_codes[chosen], records[chosen], context.directory / 'ghdl')
            lines.append(f'GHDL itself: {len(chosen)} samples, {wrong} mismatches')
            mismatches, ok = mismatches + wrong, ok and not wrong
        still, toggles = _toggles(bundle, port_codes, output_codes)
        lines.append(toggles)
        report = context.directory / 'simulation.txt'
        report.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        labels = {'stage': self.name, 'tool': f'ghdl+{tool}' if vhdl else tool}
        metrics = [
            measure('sim_samples', len(codes), **labels),
            measure('sim_mismatches', mismatches, **labels),
            measure('still_port_bits', still, **labels),
        ]
        if latency is not None:
            metrics.append(measure('latency_cycles', latency, **labels))
            metrics.append(measure('ii', 1, **labels))  # a sample went in every cycle
        artifacts = {'simulation_report': report, 'simulation_log': context.directory / tool / 'make.log'}
        return StageOutcome(
            artifacts, tuple(metrics), self.tools(context.config), ok=ok, message='' if ok else '; '.join(lines[:2])
        )


def _input_codes(program: Program, config: BuildConfig) -> tuple[Codes, int]:
    """Codes by input op, and how many of the samples are from the dataset."""
    import numpy as np

    from da4ml_core.interp import encode
    from da4ml_flow.eda import vectors
    from da4ml_flow.stages.dataset import load_dataset

    samples = config.simulate.samples if config.simulate is not None else 0
    ranges = [program.ops[index].interval[:2] for index, _ in program.input_ops()]
    if config.model.dataset is None:
        return vectors.corner_codes(ranges, samples), 0
    data = load_dataset(config.model.dataset).inputs[:samples]
    codes = encode(program, data)
    return np.concatenate([codes, vectors.corner_codes(ranges, _RANDOM_SAMPLES)]), len(codes)


def _compare(
    simulation: Simulation, expected: Records, latency: int | None, from_dataset: int
) -> tuple[int, list[str]]:
    """The number of samples with a wrong bit, and a report whose first lines say the most."""
    from da4ml_flow.eda import vectors

    bundle, predicted = simulation.bundle, simulation.bundle.latency_cycles
    got = simulation.outputs_at(predicted)
    wrong = simulation.wrong_at(predicted, expected).nonzero()[0]
    total = simulation.num_samples
    if latency == predicted:
        return 0, [f'{total} samples, 0 mismatches, latency {predicted} cycles']
    first = f'{len(wrong)} of {total} samples differ from the interpreter at the latency of {predicted} cycles'
    if latency is not None:
        return len(wrong), [first, f'every sample is right at a latency of {latency} cycles: the prediction is wrong']
    lines = []
    wanted_codes = vectors.unpack(bundle.outputs, expected[wrong[:_SHOWN]])
    got_codes = vectors.unpack(bundle.outputs, got[wrong[:_SHOWN]])
    for row, sample in enumerate(wrong[:_SHOWN]):
        origin = 'dataset' if sample < from_dataset else 'corner or random sample'
        for field, want, have in zip(bundle.outputs, wanted_codes[row], got_codes[row], strict=True):
            if simulation.unknown[predicted + sample]:
                lines.append(f'sample {sample} ({origin}): bits of the output are neither 0 nor 1')
                break
            if want != have:
                numbers = vectors.number_text(want, field), vectors.number_text(have, field)
                lines.append(
                    f'sample {sample} ({origin}), output {field.position}: expected {numbers[0]}, '
                    f'got {numbers[1]} ({field.type})'
                )
    return len(wrong), [first, *lines[:_SHOWN]]


def _toggles(bundle: RtlBundle, inputs: Codes, outputs: Codes) -> tuple[int, str]:
    """How many bits of the ports are the same in all samples, and a line that names the first of them."""
    from da4ml_flow.eda import vectors

    still = [
        f'{port}[{field.position}] bit {bit}'
        for port, fields, codes in (('x', bundle.inputs, inputs), ('y', bundle.outputs, outputs))
        for field, bit in vectors.still_bits(fields, codes)
    ]
    bits = bundle.input_bits + bundle.output_bits
    line = f'{bits - len(still)} of {bits} bits of the ports toggle'
    shown = ', '.join(still[:_SHOWN]) + (', ...' if len(still) > _SHOWN else '')
    return len(still), f'{line}; not: {shown}' if still else line
