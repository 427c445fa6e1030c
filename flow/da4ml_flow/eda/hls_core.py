"""FuseSoC cores of a C++ design for Vitis HLS, and of the Verilog that Vitis HLS makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from da4ml_core.codegen.hls import HlsBundle
from da4ml_core.codegen.hls_files import VECTORS_FILE
from da4ml_flow.eda.core_file import INTERFACE_FILE, core_name
from da4ml_flow.errors import Location, ToolFailed

_CLOCK = 'ap_clk'
_SOURCES = ('.v', '.sv')
_CONTENTS = '.dat'  # of memories, read by the Verilog beside them


def write_source_core(bundle: HlsBundle, name: str, directory: Path) -> None:
    """Write the core of a C++ design beside its files: target `vitis` simulates and synthesizes it."""
    header, source, bench = f'{bundle.top}.h', f'{bundle.top}.cpp', f'{bundle.top}_test.cpp'
    filesets = {
        'sources': {'files': [{header: {'is_include_file': True}}, source], 'file_type': 'cppSource'},
        'bench': {
            'files': [{bench: {'file_type': 'cppSource'}}, {VECTORS_FILE: {'file_type': 'user'}}],
        },
    }
    _write(
        {
            'name': core_name(name),
            'description': f'da4ml-flow kernel {bundle.top} in C++ for Vitis HLS',
            'filesets': filesets,
            'targets': {
                'default': {'filesets': ['sources']},
                'vitis': {
                    'flow': 'generic',
                    'flow_options': {'tool': 'da4mlvitis', 'test_bench': [bench, VECTORS_FILE]},
                    'filesets': ['sources', 'bench'],
                    'toplevel': bundle.top,
                },
            },
        },
        directory / f'{bundle.top}.core',
    )


def write_hardware_core(
    name: str, top: str, sources: Path, directory: Path, *, latency_cycles: int | None, ii: int | None
) -> None:
    """Copy the Verilog in ``sources`` to a new directory, with its core and its interface, as an emitted design has.

    Raises ToolFailed if there is none of the top module.
    """
    found = sorted(path for path in sources.glob('*') if path.suffix in (*_SOURCES, _CONTENTS))
    if not (sources / f'{top}.v').is_file():
        raise ToolFailed(f'Vitis HLS left no {top}.v', location=Location(str(sources)))
    directory.mkdir(parents=True)
    for path in found:
        (directory / path.name).write_bytes(path.read_bytes())
    clocked = re.search(rf'\b{_CLOCK}\b', (sources / f'{top}.v').read_text(errors='replace')) is not None
    interface = {
        'top': top,
        'language': 'verilog',
        'files': [path.name for path in found if path.suffix in _SOURCES],
        'clocked': clocked,
        'clock_port': _CLOCK if clocked else '',
        'latency_cycles': latency_cycles,
        'initiation_interval': ii,
    }
    (directory / INTERFACE_FILE).write_text(json.dumps(interface, indent=1) + '\n')
    core: dict[str, Any] = {
        'name': core_name(name),
        'description': f'da4ml-flow kernel {top}, Verilog by Vitis HLS',
        'filesets': {'rtl': {'files': _typed(found)}},
        'targets': {'default': {'filesets': ['rtl'], 'toplevel': top}},
    }
    core['targets']['vivado'] = {
        'flow': 'generic',
        'flow_options': {'tool': 'da4mlvivado', **({'clock_port': _CLOCK} if clocked else {})},
        'filesets': ['rtl'],
        'toplevel': top,
    }
    _write(core, directory / f'{top}.core')


def _typed(files: Sequence[Path]) -> list[dict[str, dict[str, str]]]:
    types = {'.v': 'verilogSource', '.sv': 'systemVerilogSource', _CONTENTS: 'user'}
    return [{path.name: {'file_type': types[path.suffix]}} for path in files]


def _write(core: dict[str, Any], path: Path) -> None:
    path.write_text(f'CAPI=2:\n{yaml.safe_dump(core, sort_keys=False, width=120)}')
