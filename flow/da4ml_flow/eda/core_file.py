"""Write a design to disk as a FuseSoC core (CAPI2) that can be linted, simulated, synthesized, placed and routed."""

from __future__ import annotations

import importlib.util
import json
import re
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from da4ml_core.codegen.bundle import RtlBundle
from da4ml_core.codegen.wrapper import Constraints, Wrapper, constraints_text, wrapper_name, wrapper_text
from da4ml_core.errors import CodegenError
from da4ml_flow.eda.verilog_bench import verilog_bench_text
from da4ml_flow.eda.vhdl_bench import bench_entity, bench_text
from da4ml_flow.errors import FlowError

VENDOR_LIBRARY = 'da4ml:kernels'
VERSION = '0.1.0'
INTERFACE_FILE = 'interface.json'
_HEADER_FILE = 'da4ml_kernel.hh'
VHDL = 'vhdl'
_FILE_TYPES = {'verilog': 'verilogSource', VHDL: 'vhdlSource-2008'}
_PARAMETER_TYPES = {'verilog': 'vlogparam', VHDL: 'generic'}
_CELLS = ('LUT6_2', 'CARRY4', 'CARRY8')  # of which a ternary adder may consist
# The sums of the primitives, each a carry chain of its own: their Verilog says so itself, their VHDL cannot.
_CHAINS = ('da4ml_*/w:upper', 'da4ml_*/w:*partial', 'da4ml_*/w:difference')
# GHDL has no word for all of them; these are about sources rather than its use.
_GHDL_WARNINGS = (
    *('binding', 'reserved', 'library', 'delayed-checks', 'body', 'specs', 'unused', 'hide', 'port', 'nested-comment'),
    *('parenthesis', 'pure', 'analyze-assert', 'attribute', 'useless', 'static', 'others', 'universal'),
    *('runtime-error', 'shared', 'default-binding', 'port-bounds'),
)
_WITHOUT_CELLS = ('lint', 'bench', 'sim', 'icarus', 'prove', 'pnr')
_HARNESS_FILE = 'harness.cc'
_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_-]*')
_FILE = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.]*')


def core_name(name: str) -> str:
    """The FuseSoC name (VLNV) of the core of a design."""
    return f'{VENDOR_LIBRARY}:{name}:{VERSION}'


def scan_top(top: str) -> str:
    """The module that feeds a kernel serially, for place and route."""
    return f'{top}_scan'


def ip_root() -> Path:
    """The folder of the hand-written primitives, a FuseSoC library; works installed and from a source tree."""
    spec = importlib.util.find_spec('da4ml_ip')
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    places.append(str(Path(__file__).parents[3] / 'ip'))  # of a source tree that is not installed
    for place in places:
        if (Path(place) / '__init__.py').is_file():
            return Path(place)
    raise FlowError(
        'the library of primitives (da4ml_ip) is not installed',
        notes=tuple(f'looked in {place}' for place in places),
        hint='reinstall da4ml-flow',
    )


def write_core(
    bundle: RtlBundle,
    name: str,
    directory: Path,
    wrapper: Wrapper | None = None,
    constraints: Constraints | None = None,
) -> Path:
    """Write the sources, their interface, a simulation harness and the core file; returns the path of the core file.

    A wrapper becomes the target `wrapper`, and what is linted; constraints, as XDC and SDC, the target `constrained`.
    Raises CodegenError for a name that no tool could take, and for an impossible wrapper.
    """
    if not _NAME.fullmatch(name):
        raise CodegenError(f'{name!r} cannot be the name of a core', hint='letters, digits, _ and -')
    for file in bundle.files:
        if not _FILE.fullmatch(file):
            raise CodegenError(f'{file!r} cannot be the name of a source file', hint='letters, digits, _ and .')
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in bundle.files.items():
        (directory / file).write_text(text)
    (directory / INTERFACE_FILE).write_text(json.dumps(bundle.interface(), indent=1) + '\n')
    (directory / _HEADER_FILE).write_text(_header(bundle))
    harness = resources.files('da4ml_flow.eda') / 'harness' / _HARNESS_FILE
    (directory / _HARNESS_FILE).write_text(harness.read_text())
    (directory / f'{scan_top(bundle.top)}.v').write_text(scan_wrapper(bundle))
    (directory / f'{bench_entity(bundle)}.v').write_text(verilog_bench_text(bundle))
    if bundle.language == VHDL:
        (directory / f'{bench_entity(bundle)}.vhd').write_text(bench_text(bundle))
    data = _core(bundle, name)
    if wrapper is not None:
        (directory / _wrapper_file(bundle)).write_text(wrapper_text(bundle, wrapper))
        _add_wrapper(data, bundle)
    if constraints is not None:
        text = constraints_text(bundle, constraints, wrapper)
        (directory / f'{bundle.top}.xdc').write_text(text)
        (directory / f'{bundle.top}.sdc').write_text(text)
        _add_constraints(data, bundle)
    path = directory / f'{bundle.top}.core'
    core = yaml.safe_dump(data, sort_keys=False, width=120)
    path.write_text(f'CAPI=2:\n{core}')
    return path


def load_bundle(directory: Path) -> RtlBundle:
    """The design that :func:`write_core` wrote to a directory; raises CodegenError if it is not one."""
    try:
        interface = json.loads((directory / INTERFACE_FILE).read_text())
        files = {file: (directory / file).read_text() for file in interface['files']}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CodegenError(f'{directory} does not hold an emitted design: {error}') from error
    return RtlBundle.from_interface(interface, files)


def load_clock_port(directory: Path) -> str:
    """The clock of the design in a directory, one that was emitted or that Vitis HLS made; empty without a clock."""
    try:
        interface = json.loads((directory / INTERFACE_FILE).read_text())
        return str(interface.get('clock_port', 'clk')) if interface['clocked'] else ''
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CodegenError(f'{directory} does not hold a design: {error}') from error


def load_core_name(directory: Path) -> str:
    """The FuseSoC name in the one core file of a directory."""
    cores = sorted(directory.glob('*.core'))
    if len(cores) != 1:
        raise CodegenError(f'{directory} holds {len(cores)} core files, not one')
    return str(yaml.safe_load(cores[0].read_text().partition('\n')[2])['name'])


def scan_wrapper(bundle: RtlBundle) -> str:
    """Verilog of a module with three pins around a kernel, so that it fits the package of a real device.

    A shift register feeds every input bit and a register takes every output bit: each path of the kernel runs from a
    register to a register. The captured bits are folded one XOR a cycle, so that no path here is slower than one LUT.
    """
    inputs, outputs = bundle.input_bits, bundle.output_bits
    clock = '.clk(clk), ' if bundle.clocked else ''
    if bundle.clock_enable:
        clock += ".ce(1'b1), "
    shifted = f'{{x[{inputs - 2}:0], serial_in}}' if inputs > 1 else 'serial_in'
    folded = f"{{folded[{outputs - 2}:0], 1'b0}} ^ captured" if outputs > 1 else 'captured'
    return f"""\
// Place-and-route harness of {bundle.top}: shift register in, capture register and XOR fold out.
module {scan_top(bundle.top)} (
    input wire clk,
    input wire serial_in,
    output wire serial_out
);
  reg  [{inputs - 1}:0] x;
  wire [{outputs - 1}:0] y;
  reg  [{outputs - 1}:0] captured;
  reg  [{outputs - 1}:0] folded;
  {bundle.top} kernel ({clock}.x(x), .y(y));
  always @(posedge clk) begin
    x <= {shifted};
    captured <= y;
    folded <= {folded};
  end
  assign serial_out = folded[{outputs - 1}];
endmodule
"""


def _header(bundle: RtlBundle) -> str:
    return f"""\
// The ports of {bundle.top}, for {_HARNESS_FILE}.
#pragma once
#include <cstddef>

#include "V{bundle.top}.h"
#define DA4ML_CLOCKED {int(bundle.clocked)}
#define DA4ML_CLOCK_ENABLE {int(bundle.clock_enable)}
using Kernel = V{bundle.top};
constexpr size_t INPUT_BITS = {bundle.input_bits};
constexpr size_t OUTPUT_BITS = {bundle.output_bits};
"""


def _core(bundle: RtlBundle, name: str) -> dict[str, Any]:
    rtl: dict[str, Any] = {'files': list(bundle.files), 'file_type': _FILE_TYPES[bundle.language]}
    if bundle.ip_cores:
        rtl['depend'] = list(bundle.ip_cores)
    harness = [{_HARNESS_FILE: {'file_type': 'cppSource'}}, {_HEADER_FILE: {'file_type': 'user'}}]
    wrapper = f'{scan_top(bundle.top)}.v'
    core: dict[str, Any] = {
        'name': core_name(name),
        'description': f'da4ml-flow kernel {bundle.top}: {bundle.input_bits} bits in, {bundle.output_bits} bits out, '
        f'latency {bundle.latency_cycles} cycles',
        'filesets': {
            'rtl': rtl,
            'harness': {'files': harness},
            'scan': {'files': [wrapper], 'file_type': 'verilogSource'},
            'verilog_bench': {'files': [f'{bench_entity(bundle)}.v'], 'file_type': 'verilogSource'},
        },
        'targets': {
            'default': {'filesets': ['rtl'], 'toplevel': bundle.top},
            'lint': {
                'flow': 'lint',
                'flow_options': {'tool': 'verilator', 'verilator_options': ['-Wall']},
                'filesets': ['rtl'],
                'toplevel': bundle.top,
            },
            'sim': {
                'flow': 'sim',
                'flow_options': {
                    'tool': 'verilator',
                    'mode': 'cc',
                    # the combiner of GCC takes far more than twice the time for a function twice as long
                    'verilator_options': ['-Wno-fatal', '--x-initial unique', '--output-split-cfuncs 1000'],
                    # what runs once is not optimized: the C++ compiler is where the time goes
                    'make_options': ['-j2', 'OPT_FAST=-O1', 'OPT_SLOW=-O0', 'OPT_GLOBAL=-O0', 'PYTHON3=python3'],
                },
                'filesets': ['rtl', 'harness'],
                'toplevel': bundle.top,
            },
            'icarus': {
                'flow': 'sim',
                'flow_options': {'tool': 'icarus'},
                'filesets': ['rtl', 'verilog_bench'],
                'toplevel': bench_entity(bundle),
            },
            'synth': {
                'flow': 'generic',
                'flow_options': {
                    'tool': 'da4mlyosys',
                    **({} if bundle.shift_registers else {'no_shift_registers': True}),
                },
                'filesets': ['rtl'],
                'toplevel': bundle.top,
            },
            'prove': {
                'flow': 'generic',
                'flow_options': {'tool': 'da4mlprove', 'latency_cycles': str(bundle.latency_cycles)},
                'filesets': ['rtl'],
                'toplevel': bundle.top,
            },
            'pnr': {
                'flow': 'generic',
                'flow_options': {
                    'frontends': ['da4mlyosys'],
                    'tool': 'da4mlnextpnr',
                    'family': 'ecp5',
                    'netlist': True,
                    'keep_module': bundle.top,
                    'device': '85k',
                },
                'filesets': ['rtl', 'scan'],
                'toplevel': scan_top(bundle.top),
            },
            **{
                name: {
                    'flow': 'generic',
                    'flow_options': {'tool': f'da4ml{name}', **({'clock_port': 'clk'} if bundle.clocked else {})},
                    'filesets': ['rtl'],
                    'toplevel': bundle.top,
                }
                for name in ('vivado', 'quartus')
            },
        },
    }
    if bundle.parameters:
        core['parameters'] = {
            name: {'datatype': 'int', 'paramtype': _PARAMETER_TYPES[bundle.language], 'default': 0}
            for name in bundle.parameters
        }
        core['targets']['synth']['parameters'] = list(bundle.parameters)
    return _through_ghdl(core, bundle) if bundle.language == VHDL else core


def _add_wrapper(core: dict[str, Any], bundle: RtlBundle) -> None:
    """The wrapper as a target of its own, and as what is linted."""
    top = wrapper_name(bundle.top)
    core['filesets']['wrapper'] = {'files': [_wrapper_file(bundle)], 'file_type': _FILE_TYPES[bundle.language]}
    core['targets']['wrapper'] = {
        **deepcopy(core['targets']['default']),
        'filesets': ['rtl', 'wrapper'],
        'toplevel': top,
    }
    core['targets']['lint'] |= {'filesets': ['rtl', 'wrapper'], 'toplevel': top}


def _wrapper_file(bundle: RtlBundle) -> str:
    return f'{wrapper_name(bundle.top)}{".vhd" if bundle.language == VHDL else ".v"}'


def _add_constraints(core: dict[str, Any], bundle: RtlBundle) -> None:
    """The outermost module with its timing, for those who build it alone."""
    whole = deepcopy(core['targets'].get('wrapper', core['targets']['default']))
    files = [{f'{bundle.top}.xdc': {'file_type': 'xdc'}}, {f'{bundle.top}.sdc': {'file_type': 'SDC'}}]
    core['filesets']['constraints'] = {'files': files}
    core['targets']['constrained'] = {**whole, 'filesets': [*whole['filesets'], 'constraints']}


def _through_ghdl(core: dict[str, Any], bundle: RtlBundle) -> dict[str, Any]:
    """The same targets for VHDL: analyzed by GHDL, and as Verilog from there on."""
    targets = core['targets']
    targets['lint']['flow_options'] = {
        'tool': 'da4mlghdl',
        'analyze_only': True,
        'ghdl_warnings': list(_GHDL_WARNINGS),
    }
    core['filesets']['bench'] = {'files': [f'{bench_entity(bundle)}.vhd'], 'file_type': _FILE_TYPES[VHDL]}
    targets['bench'] = {
        'flow': 'generic',
        'flow_options': {'tool': 'da4mlghdl', 'analyze_only': True},
        'filesets': ['rtl', 'bench'],
        'toplevel': bench_entity(bundle),
    }
    for name, target in targets.items():
        # who builds for a device has its cells; others need models of them, if only to find their components bound
        target['flags'] = {VHDL: True, 'cell_models': name in _WITHOUT_CELLS}
    for name in ('sim', 'icarus', 'synth', 'prove', 'pnr'):
        options = targets[name]['flow_options']
        options['frontends'] = ['da4mlghdl', *options.get('frontends', [])]
        options['unit'] = bundle.top
        if name in ('synth', 'pnr'):
            options['keep_nets'] = list(_CHAINS)
        if name == 'synth':
            options['cells'] = list(_CELLS)
    return core
