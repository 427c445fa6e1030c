"""Many emitted designs in one simulation, each compared bit by bit with the reference interpreter."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ghdl_tools import VHDL_IP_SOURCES, simulate_vhdl, vhdl_entity
from hdl_tools import CELL_MODELS, IP_SOURCES, simulate
from random_programs import random_codes, random_program

from da4ml_core.codegen import RtlBundle
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir import Program
from da4ml_core.ir.verify import verify
from da4ml_core.passes.schedule import Schedule, schedule

SAMPLES = 64  # of a random kernel


class Kernel(NamedTuple):
    """A design, the program it was made from, the samples (codes in program order) to feed it, and what should come.

    Without ``results`` (codes by output) that is what the interpreter makes of the samples.
    """

    bundle: RtlBundle
    program: Program
    samples: Sequence[Sequence[int]]
    results: Sequence[Sequence[int]] | None = None


def random_kernel(rng: random.Random, name: str, num_ops: int, emit: Callable[[Schedule, str], RtlBundle]) -> Kernel:
    """The design of a random program, pipelined or not, with random samples."""
    program = random_program(
        rng,
        num_inputs=rng.randint(1, 6),
        num_ops=num_ops,
        max_width=rng.choice((4, 12, 20, 40, 70, 100)),
        narrow=rng.random() < 0.5,
    )
    plan = schedule(verify(program), rng.choice((None, 1, 2, 3)), rng.choice((True, False)), rng.choice((True, False)))
    samples = [random_codes(rng, program) for _ in range(SAMPLES)]
    return Kernel(emit(plan, name), program, samples)


def packed_input(kernel: Kernel, codes: Sequence[int]) -> int:
    """The packed port of one sample."""
    ordered = sorted(range(len(codes)), key=lambda i: (list(kernel.program.input_ops())[i][1].position, i))
    word = 0
    for field, index in zip(kernel.bundle.inputs, ordered, strict=True):
        word |= (codes[index] & ((1 << field.width_bits) - 1)) << field.offset
    return word


def packed_output(kernel: Kernel, codes: Sequence[int]) -> int:
    """The packed port of the expected result of one sample."""
    word = 0
    for field, code in zip(kernel.bundle.outputs, codes, strict=True):
        word |= (code & ((1 << field.width_bits) - 1)) << field.offset
    return word


def mismatches(kernels: Sequence[Kernel], directory: Path) -> list[str]:
    """One line for each kernel and sample whose simulated result, at the predicted cycle, is not as it should be.

    All kernels are in the same language; no two have a name in common.
    """
    sources = []
    lines = []
    x_bits = y_bits = 0
    offsets = []
    is_vhdl = kernels[0].bundle.language == 'vhdl'
    for place, kernel in enumerate(kernels):
        bundle = kernel.bundle
        for name, text in bundle.files.items():
            (directory / name).write_text(text)
            sources.append(directory / name)
        lines.append((_vhdl_instance if is_vhdl else _verilog_instance)(f'instance_{place}', bundle, x_bits, y_bits))
        offsets.append((x_bits, y_bits))
        x_bits += bundle.input_bits
        y_bits += bundle.output_bits
    cycles = max(len(kernel.samples) + kernel.bundle.latency_cycles for kernel in kernels)
    words = [0] * cycles
    for kernel, (offset, _) in zip(kernels, offsets, strict=True):
        for cycle, codes in enumerate(kernel.samples):
            words[cycle] |= packed_input(kernel, codes) << offset
    if is_vhdl:
        x_bits += -x_bits % 4
        vhdl = '\n'.join([vhdl_entity(x_bits, y_bits), *lines, 'end architecture test;', ''])
        warm_up = max(kernel.bundle.latency_cycles for kernel in kernels)
        outputs = simulate_vhdl(vhdl, [*VHDL_IP_SOURCES, *sources], words, (x_bits, y_bits), warm_up, directory)
    else:
        x_bits, y_bits = max(x_bits, 65), max(y_bits, 65)
        header = f'module harness(input clk, input [{x_bits - 1}:0] x, output [{y_bits - 1}:0] y);'
        verilog = '\n'.join([header, *lines, 'endmodule', ''])
        outputs = simulate(verilog, [*sources, *IP_SOURCES, CELL_MODELS], words, (x_bits, y_bits), directory)
    found = []
    for kernel, (_, offset) in zip(kernels, offsets, strict=True):
        mask = (1 << kernel.bundle.output_bits) - 1
        for cycle, codes in enumerate(kernel.samples):
            simulated = outputs[cycle + kernel.bundle.latency_cycles] >> offset & mask
            result = evaluate(kernel.program, codes) if kernel.results is None else kernel.results[cycle]
            expected = packed_output(kernel, result)
            if simulated != expected:
                found.append(f'{kernel.bundle.top} sample {cycle}: y = {simulated:#x}, expected {expected:#x}')
    return found


def _verilog_instance(name: str, bundle: RtlBundle, x_lo: int, y_lo: int) -> str:
    clock = '.clk(clk), ' if bundle.clocked else ''
    clock += ".ce(1'b1), " if bundle.clock_enable else ''
    x_range = f'x[{x_lo + bundle.input_bits - 1}:{x_lo}]'
    y_range = f'y[{y_lo + bundle.output_bits - 1}:{y_lo}]'
    # every way to add three operands: they must all be right
    style = f'#(.TERNARY_STYLE({4 * (x_lo % 3)})) ' if bundle.parameters else ''
    return f'  {bundle.top} {style}{name} ({clock}.x({x_range}), .y({y_range}));'


def _vhdl_instance(name: str, bundle: RtlBundle, x_lo: int, y_lo: int) -> str:
    clock = 'clk => clk, ' if bundle.clocked else ''
    clock += "ce => '1', " if bundle.clock_enable else ''
    x_range = f'x({x_lo + bundle.input_bits - 1} downto {x_lo})'
    y_range = f'y({y_lo + bundle.output_bits - 1} downto {y_lo})'
    # every way to add three operands: they must all be right
    style = f'generic map (TERNARY_STYLE => {4 * (x_lo % 3)}) ' if bundle.parameters else ''
    return f'  {name} : entity work.{bundle.top} {style}port map ({clock}x => {x_range}, y => {y_range});'
