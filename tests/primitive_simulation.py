"""Many parameterisations of primitives in one simulation, each compared with its definition."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ghdl_tools import VHDL_IP_SOURCES, simulate_vhdl, vhdl_entity
from hdl_tools import CELL_MODELS, IP_SOURCES, simulate
from primitive_cases import EXHAUSTIVE_BITS, Case

X_BITS = 128


def verilog_harness(cases: Sequence[Case]) -> str:
    """A module in which every case takes its operands from the low bits of x."""
    lines = []
    for place, (case, inputs, y_bits) in enumerate(connections(cases)):
        ranges = {name: f'x[{hi - 1}:{lo}]' for name, (lo, hi) in inputs.items()}
        lines.append(case.instance(f'case_{place}', ranges, f'y[{y_bits + case.output_bits - 1}:{y_bits}]'))
    header = f'module harness(input clk, input [{X_BITS - 1}:0] x, output [{output_bits(cases) - 1}:0] y);'
    return '\n'.join([header, *lines, 'endmodule', ''])


def vhdl_harness(cases: Sequence[Case]) -> str:
    """The same as a VHDL entity."""
    lines = []
    for place, (case, inputs, y_bits) in enumerate(connections(cases)):
        ranges = {name: f'x({hi - 1} downto {lo})' for name, (lo, hi) in inputs.items()}
        output = f'y({y_bits + case.output_bits - 1} downto {y_bits})'
        lines.append(case.vhdl_instance(f'case_{place}', ranges, output))
    return '\n'.join([vhdl_entity(X_BITS, output_bits(cases)), *lines, 'end architecture test;', ''])


def output_bits(cases: Sequence[Case]) -> int:
    return sum(case.output_bits for case in cases)


def wrong_results(
    cases: Sequence[Case],
    rng: random.Random,
    directory: Path,
    language: str = 'verilog',
    sources: Sequence[Path] | None = None,
) -> list[str]:
    """The first result of each case that is not its definition's; primitive and parameters first.

    Narrow operands take all their codes; the bits above them are random, for wide ones.
    """
    low = 1 << EXHAUSTIVE_BITS
    samples = [rng.getrandbits(X_BITS - EXHAUSTIVE_BITS) * low + code for code in range(low)]
    latency = max(case.latency_cycles for case in cases)
    stimuli = [*samples, *[0] * latency]
    y_bits = output_bits(cases)
    if language == 'verilog':
        verilog_sources = [*(IP_SOURCES if sources is None else sources), CELL_MODELS]
        outputs = simulate(verilog_harness(cases), verilog_sources, stimuli, (X_BITS, y_bits), directory)
    else:
        vhdl_sources = VHDL_IP_SOURCES if sources is None else sources
        outputs = simulate_vhdl(vhdl_harness(cases), vhdl_sources, stimuli, (X_BITS, y_bits), latency, directory)
    y_bytes = -(-y_bits // 8)
    words = np.frombuffer(b''.join(word.to_bytes(y_bytes, 'little') for word in outputs), np.uint8)
    bits = np.unpackbits(words.reshape(len(outputs), y_bytes), axis=1, bitorder='little')
    wrong = []
    start = 0
    for case in cases:
        columns = bits[case.latency_cycles :][:low, start : start + case.output_bits]
        start += case.output_bits
        results = columns.astype(object) @ np.array([1 << bit for bit in range(case.output_bits)], dtype=object)
        mask = (1 << sum(case.operand_widths.values())) - 1
        known: dict[int, int] = {}
        for sample, result in zip(samples, results, strict=True):
            if sample & mask not in known:
                known[sample & mask] = case.expected(_split(case, sample))
            if result != known[sample & mask]:
                wrong.append(f'{case}: {_split(case, sample)} gives {result}, not {known[sample & mask]}')
                break
    return wrong


def connections(cases: Sequence[Case]) -> list[tuple[Case, dict[str, tuple[int, int]], int]]:
    """The bits of x that each operand of a case is, and where in y its result starts."""
    connections = []
    y_bits = 0
    for case in cases:
        inputs, start = {}, 0
        for name, width in case.operand_widths.items():
            inputs[name] = (start, start + width)
            start += width
        connections.append((case, inputs, y_bits))
        y_bits += case.output_bits
    return connections


def _split(case: Case, sample: int) -> dict[str, int]:
    operands = {}
    for name, width in case.operand_widths.items():
        operands[name] = sample & ((1 << width) - 1)
        sample >>= width
    return operands
