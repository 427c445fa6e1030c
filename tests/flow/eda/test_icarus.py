"""Icarus as a simulator: every bit as Verilator and the interpreter have it, and unknown bits are wrong ones."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_programs import random_codes, random_program

from da4ml_core.codegen import emit_rtl
from da4ml_core.codegen.bundle import PortField, RtlBundle
from da4ml_core.fixed import FixedType
from da4ml_core.interp import Executable
from da4ml_core.ir.opcode import Quantization
from da4ml_core.passes.schedule import schedule
from da4ml_flow.cli.main import run
from da4ml_flow.eda import core_file, vectors
from da4ml_flow.eda.backends import icarus

pytestmark = pytest.mark.eda

CONFIG = """\
name: net
model: {{source: "python:net.py:net"}}
rtl: {{language: {language}, pipeline: {{max_levels: 1}}}}
simulate: {{tool: icarus, samples: 50}}
results: {{database: null}}
"""
NET = """\
import numpy as np

def net(x: 'fixed<3,4>[4]'):
    w = np.array([[1.0, -0.5], [0.75, 2.0], [0.0, 1.5], [-1.25, 0.25]])
    return np.maximum(x @ w + [0.5, -1.0], 0)
"""


@pytest.fixture(autouse=True)
def _needs_icarus() -> None:
    if shutil.which('iverilog') is None:
        pytest.skip('needs Icarus Verilog (`apt-get install iverilog`, for example)')


def build(folder: Path, capsys: pytest.CaptureFixture[str], language: str = 'verilog') -> tuple[int, dict[str, Any]]:
    (folder / 'net.py').write_text(NET)
    (folder / 'net.yaml').write_text(CONFIG.format(language=language))
    code = run(['build', str(folder / 'net.yaml'), '--json'])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
def test_a_build_with_icarus(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    if language == 'vhdl' and shutil.which('ghdl') is None:
        pytest.skip('needs GHDL')
    code, data = build(tmp_path, capsys, language)
    assert code == 0
    tool = 'icarus' if language == 'verilog' else 'ghdl+icarus'
    figures = {name: value['value'] for name, values in data['metrics'].items() for value in values}
    assert (figures['sim_samples'], figures['sim_mismatches'], figures['ii']) == (64, 0, 1)
    assert data['metrics']['sim_mismatches'][0]['tool'] == tool
    assert 'mismatches, latency' in Path(data['artifacts']['simulation_report']).read_text()


@pytest.mark.parametrize('seed', range(6))
def test_random_programs(tmp_path: Path, seed: int) -> None:
    """What Icarus shows is what the interpreter says, at the predicted latency, with and without a clock."""
    rng = random.Random(seed)
    program = random_program(rng, num_ops=30)
    bundle = emit_rtl(schedule(program, max_levels=1 if seed % 2 else None), 'random', 'verilog')
    core_file.write_core(bundle, 'random', tmp_path / 'rtl')
    codes = np.array([random_codes(rng, program) for _ in range(200)], dtype=object)
    ports = vectors.input_port_codes(program, bundle.inputs, codes)
    simulation = icarus.simulate(tmp_path / 'rtl', ports, tmp_path / 'run')
    outputs = vectors.output_port_codes(program, bundle.outputs, Executable(program).run_codes(codes))
    expected = vectors.pack(bundle.outputs, outputs, bundle.output_bits)
    assert simulation.find_latency(expected) == bundle.latency_cycles
    assert not simulation.wrong_at(bundle.latency_cycles, expected).any()


def test_a_wrong_bit_and_an_unknown_one(tmp_path: Path) -> None:
    bit = PortField(0, 0, Quantization(FixedType(False, 2, 0)))
    text = (
        'module odd (input wire [1:0] x, output wire [1:0] y);\n'
        "  assign y = x == 2 ? 2'd1 : x == 3 ? 2'b1x : x;\nendmodule\n"
    )
    bundle = RtlBundle('odd', 'verilog', {'odd.v': text}, (), (bit,), (bit,), False, 0)
    core_file.write_core(bundle, 'odd', tmp_path / 'rtl')
    codes = np.arange(4).reshape(4, 1)
    simulation = icarus.simulate(tmp_path / 'rtl', codes, tmp_path / 'run')
    expected = vectors.pack(bundle.outputs, codes, 2)
    assert simulation.wrong_at(0, expected).tolist() == [False, False, True, True]
    assert simulation.unknown.tolist() == [False, False, False, True]
    assert simulation.find_latency(expected) is None


def test_lines_and_records() -> None:
    records = np.random.default_rng(0).integers(0, 256, (20, 3)).astype(np.uint8)
    records[:, 2] &= 0x1F
    back, unknown = vectors.from_lines(vectors.to_lines(records, 21))
    assert np.array_equal(back, records)
    assert not unknown.any()
    assert vectors.from_lines(['0x1', 'z01'])[1].all()
