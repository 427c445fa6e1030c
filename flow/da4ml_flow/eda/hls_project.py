"""Write a design for high-level synthesis to disk, with samples and their exact results for its test bench."""

from __future__ import annotations

import json
from pathlib import Path

from da4ml_core.codegen.hls import HlsBundle
from da4ml_core.codegen.hls_files import VECTORS_FILE
from da4ml_core.ir.program import Program
from da4ml_flow.eda import vectors
from da4ml_flow.eda.core_file import INTERFACE_FILE
from da4ml_flow.eda.hls_core import write_source_core

_RANDOM_SAMPLES = 200  # beside the corners


def write_hls(bundle: HlsBundle, program: Program, directory: Path, name: str) -> None:
    """Write the sources, `vectors.txt` of corners and random samples with their results, and the ports.

    For Vitis HLS a core goes with them.
    """
    ranges = [program.ops[index].interval[:2] for index, _ in program.input_ops()]
    codes = vectors.corner_codes(ranges, _RANDOM_SAMPLES)
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in bundle.files.items():
        (directory / file).write_text(text)
    (directory / VECTORS_FILE).write_text(vectors_text(bundle, program, codes))
    (directory / INTERFACE_FILE).write_text(json.dumps(bundle.interface(), indent=1) + '\n')
    if bundle.language == 'vitis':
        write_source_core(bundle, name, directory)


def vectors_text(bundle: HlsBundle, program: Program, codes: vectors.Codes) -> str:
    """A line for each sample, codes by input op: its packed bits and those of its result, in hex."""
    from da4ml_core.interp import Executable

    expected = Executable(program).run_codes(codes)
    samples = vectors.pack(bundle.inputs, vectors.input_port_codes(program, bundle.inputs, codes), bundle.input_bits)
    results = vectors.pack(
        bundle.outputs, vectors.output_port_codes(program, bundle.outputs, expected), bundle.output_bits
    )
    lines = (
        f'{_hex(sample.tobytes(), bundle.input_bits)} {_hex(result.tobytes(), bundle.output_bits)}\n'
        for sample, result in zip(samples, results, strict=True)
    )
    return ''.join(lines)


def _hex(record: bytes, bits: int) -> str:
    return f'{int.from_bytes(record, "little"):0{-(-bits // 4)}x}'
