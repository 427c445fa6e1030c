"""Many emitted designs in one simulation, each compared bit by bit with the reference interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hdl_tools import IP_SOURCES, simulate

from da4ml_core.codegen import RtlBundle
from da4ml_core.interp.reference import evaluate
from da4ml_core.ir import Program


class Kernel(NamedTuple):
    """A design, the program it was made from, and the samples (codes in program order) to feed it."""

    bundle: RtlBundle
    program: Program
    samples: Sequence[Sequence[int]]


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
    """One line for each kernel and sample whose simulated result, at the predicted cycle, is not the interpreter's."""
    sources = []
    lines = []
    x_bits = y_bits = 0
    offsets = []
    for place, kernel in enumerate(kernels):
        bundle = kernel.bundle
        for name, text in bundle.files.items():
            (directory / name).write_text(text)
            sources.append(directory / name)
        x_range = f'x[{x_bits + bundle.input_bits - 1}:{x_bits}]'
        y_range = f'y[{y_bits + bundle.output_bits - 1}:{y_bits}]'
        clock = '.clk(clk), ' if bundle.clocked else ''
        lines.append(f'  {bundle.top} kernel_{place} ({clock}.x({x_range}), .y({y_range}));')
        offsets.append((x_bits, y_bits))
        x_bits += bundle.input_bits
        y_bits += bundle.output_bits
    x_bits, y_bits = max(x_bits, 65), max(y_bits, 65)
    header = f'module harness(input clk, input [{x_bits - 1}:0] x, output [{y_bits - 1}:0] y);'
    verilog = '\n'.join([header, *lines, 'endmodule', ''])
    cycles = max(len(kernel.samples) + kernel.bundle.latency_cycles for kernel in kernels)
    words = [0] * cycles
    for kernel, (offset, _) in zip(kernels, offsets, strict=True):
        for cycle, codes in enumerate(kernel.samples):
            words[cycle] |= packed_input(kernel, codes) << offset
    outputs = simulate(verilog, [*sources, *IP_SOURCES], words, (x_bits, y_bits), directory)
    found = []
    for kernel, (_, offset) in zip(kernels, offsets, strict=True):
        mask = (1 << kernel.bundle.output_bits) - 1
        for cycle, codes in enumerate(kernel.samples):
            simulated = outputs[cycle + kernel.bundle.latency_cycles] >> offset & mask
            expected = packed_output(kernel, evaluate(kernel.program, codes))
            if simulated != expected:
                found.append(f'{kernel.bundle.top} sample {cycle}: y = {simulated:#x}, expected {expected:#x}')
    return found
