"""Compile and run C++ for high-level synthesis with the open fixed-point headers; skipped where they are absent."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from random_programs import random_codes, random_program

from da4ml_core.codegen import emit_hls
from da4ml_core.ir import Program
from da4ml_core.ir.verify import verify
from da4ml_flow.eda.hls_project import vectors_text

WARNINGS = ('-Wall', '-Wextra', '-Werror')
_HEADERS = {'vitis': ('ap_fixed.h', 'vivado/ap_types'), 'ac': ('ac_fixed.h', 'catapult/ac_types/include')}


def types_folder(language: str) -> Path:
    """The folder of the open headers: in $DA4ML_AP_TYPES or $DA4ML_AC_TYPES, or in the package hls4ml."""
    name = 'vitis' if language == 'vitis' else 'ac'
    header, folder = _HEADERS[name]
    variable = f'DA4ML_{"AP" if name == "vitis" else "AC"}_TYPES'
    places = [Path(os.environ[variable])] if os.environ.get(variable) else []
    spec = importlib.util.find_spec('hls4ml')
    if spec is not None and spec.origin is not None:
        places.append(Path(spec.origin).parent / 'templates' / folder)
    for place in places:
        if (place / header).is_file():
            return place
    pytest.skip(f'needs {header}: set {variable}, or `pip install --no-deps hls4ml`')


def compiler() -> str:
    """The C++ compiler."""
    found = shutil.which('g++') or shutil.which('c++')
    if not found:
        pytest.skip('needs a C++ compiler')
    return found


def cases(rng: random.Random, count: int) -> list[tuple[Program, list[list[int]]]]:
    """Random programs over every operation, some with very wide values, and samples for them."""
    found = []
    for _ in range(count):
        program = random_program(
            rng,
            num_inputs=rng.randint(1, 6),
            num_ops=rng.randint(8, 25),
            max_width=rng.choice((4, 12, 20, 40, 70, 100)),
            narrow=rng.random() < 0.5,
        )
        found.append((verify(program), [random_codes(rng, program) for _ in range(64)]))
    return found


def run(cases: Sequence[tuple[Program, Sequence[Sequence[int]]]], language: str, directory: Path) -> list[str]:
    """What the test bench of each program prints, compiled together without a warning."""
    types = types_folder(language)
    header = _HEADERS['vitis' if language == 'vitis' else 'ac'][0]
    lines = [f'#include <{name}>' for name in ('cstddef', 'fstream', 'iostream', 'string', header)]
    calls = []
    for place, (program, samples) in enumerate(cases):
        top = f'kernel{place}'
        bundle = emit_hls(program, top, language)
        for name, text in bundle.files.items():
            (directory / name).write_text(text)
        codes = np.array([list(sample) for sample in samples], dtype=object)
        (directory / f'{top}.txt').write_text(vectors_text(bundle, program, codes))
        lines.append(f'namespace n{place} {{\n#include "{top}.cpp"\n#include "{top}_test.cpp"\n}}')
        calls.append(f'    {{ char file[] = "{top}.txt"; char *args[] = {{file, file}}; n{place}::main(2, args); }}')
    (directory / 'all.cpp').write_text('\n'.join([*lines, 'int main() {', *calls, '}', '']))
    command = [compiler(), '-std=c++17', '-O0', *WARNINGS, '-isystem', str(types), 'all.cpp', '-o', 'all']
    build = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stderr[-3000:]
    ran = subprocess.run(['./all'], cwd=directory, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()
