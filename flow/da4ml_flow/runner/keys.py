"""Content keys: the hash of everything that decides what a stage makes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata, util
from pathlib import Path
from types import MappingProxyType
from typing import Any

from da4ml_flow.eda.core_file import ip_root
from da4ml_flow.errors import FlowError
from da4ml_flow.results.metrics import ToolVersion
from da4ml_flow.results.record import digest
from da4ml_flow.workspace import hash_tree

CODE_SUFFIXES = {'.py', '.pyx', '.pxd', '.cc', '.hh', '.v', '.vhd', '.core', '.j2', '.mako'}
COMPILER = ('da4ml_core',)
PRIMITIVES = 'da4ml_ip'
_VIVADO_REPORTS = ('power', 'sections', 'timing', 'utilization')


def _eda(*modules: str) -> tuple[str, ...]:
    return tuple(f'da4ml_flow.eda.{module}' for module in modules)


def _plugins(*tools: str) -> tuple[str, ...]:
    return tuple(f'edalize.tools.da4ml{tool}' for tool in tools)


# what drives any tool
DRIVING = (
    'da4ml_core.codegen.bundle',
    'da4ml_flow.eda.core_file',
    'da4ml_flow.eda.vhdl_bench',
    'da4ml_flow.eda.verilog_bench',
    'da4ml_flow.eda.fusesoc',
    'da4ml_flow.eda.process',
    'da4ml_flow.eda.tools',
    'da4ml_flow.eda.usage',
    'da4ml_flow.eda.report_text',
    'da4ml_flow.eda.shims',
    PRIMITIVES,
)
COSTS = ('da4ml_flow.stages.vendor', 'da4ml_flow.stages.cost')
SAMPLES = ('da4ml_flow.eda.vectors', 'da4ml_core.fixed', 'da4ml_core.ir', 'da4ml_core.interp')
# the packages and modules whose sources decide the result of a stage; its own module always does
CODE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'trace': (*COMPILER, 'da4ml_flow.stages.model_file', 'da4ml_flow.stages.float_model'),
        'emit': (
            *COMPILER,
            'da4ml_flow.eda.core_file',
            'da4ml_flow.eda.harness',
            'da4ml_flow.eda.hls_project',
            'da4ml_flow.eda.hls_core',
            'da4ml_flow.eda.vectors',
            'da4ml_flow.eda.verilog_bench',
            'da4ml_flow.eda.vhdl_bench',
        ),
        'hls': (*DRIVING, 'da4ml_flow.stages.cost'),
        'lint': DRIVING,
        'simulate': (*DRIVING, *SAMPLES),
        'verify': (*DRIVING, *COMPILER, *SAMPLES, *_eda('backends.formal', 'parsers.yosys_sat'), *_plugins('prove')),
        'synthesize': (*DRIVING, *COSTS),
        'implement': (*DRIVING, *COSTS, 'da4ml_flow.stages.synthesize'),
        'collect': COMPILER,
    }
)
# the same by the tools that a stage uses: Quartus' parser decides nothing of a run of Vivado
_YOSYS = (*_eda('backends.yosys', 'parsers.yosys_stat', 'parsers.json_report'), *_plugins('yosys'))
_NEXTPNR = (*_eda('backends.nextpnr', 'parsers.nextpnr_report'), *_plugins('nextpnr'))
_TABLES = _eda('backends.vendor', 'parsers.text_table', 'parsers.xml_report')
TOOL_CODE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'verilator': _eda('backends.verilator', 'simulation', 'vectors', 'parsers.verilator_log'),
        'iverilog': _eda('backends.icarus', 'simulation', 'vectors'),
        'ghdl': (
            *_eda('backends.ghdl', 'vectors', 'parsers.ghdl_log', 'parsers.verilator_log'),
            *_plugins('ghdl'),
        ),
        'yosys': _YOSYS,
        **{f'nextpnr-{family}': _NEXTPNR for family in ('ecp5', 'ice40', 'gowin')},
        'vivado': (
            *_eda('backends.vivado', *(f'parsers.vivado_{kind}' for kind in _VIVADO_REPORTS)),
            *_TABLES,
            *_plugins('vivado'),
        ),
        'vitis_hls': (
            *_eda('backends.vitis', 'hls_core', 'parsers.vitis_csynth'),
            *_TABLES,
            *_plugins('vitis'),
        ),
        'quartus_sh': (
            *_eda('backends.quartus', *(f'parsers.quartus_{kind}' for kind in ('fit', 'sections', 'timing'))),
            *_TABLES,
            *_plugins('quartus'),
        ),
    }
)


def packages_behind(stage: str, tools: Iterable[str]) -> tuple[str, ...]:
    """The packages and modules of ours that decide the result of a stage with these tools, each once."""
    code = [*CODE.get(stage, ()), f'da4ml_flow.stages.{stage}', 'da4ml_flow.stages.dataset']
    if stage != 'verify':  # it has its own way to use Yosys
        code += [module for tool in tools for module in TOOL_CODE.get(tool, ())]
    return tuple(sorted(set(code)))


def stage_key(stage: str, settings: Mapping[str, Any], inputs: Mapping[str, str], tools: Iterable[ToolVersion]) -> str:
    """SHA-256 of a stage's settings (see `resolved`), input hashes, tool versions, and of our code behind it."""
    tools = tuple(tools)
    return digest(
        {
            'stage': stage,
            'settings': settings,
            'inputs': dict(inputs),
            'tools': sorted([tool.name, tool.version] for tool in tools),
            'version': package_version(),
            'code': code_digest(packages_behind(stage, (tool.name for tool in tools))),
        }
    )


def resolved(value: Any) -> Any:
    """Settings as JSON-ready data in which the hash of a file's content stands for its path."""
    if isinstance(value, Path):
        return {'sha256': hash_tree(value)[0]}
    if isinstance(value, Mapping):
        return {str(key): resolved(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(item) for item in value]
    return value


@cache
def package_version() -> str:
    """The version of this distribution; a source tree that was never installed has none."""
    try:
        return metadata.version('da4ml-flow')
    except metadata.PackageNotFoundError:
        return 'source'


@cache
def code_digest(packages: tuple[str, ...]) -> str:
    """SHA-256 of the source files of our packages and modules, by their names there."""
    tree = hashlib.sha256()
    for package in packages:
        tree.update(f'{package}\0{_package_digest(package)}\n'.encode())
    return tree.hexdigest()


@cache
def _package_digest(package: str) -> str:
    roots: list[Path] = []
    if package == PRIMITIVES:
        roots = [ip_root()]  # in a source tree it is no package
    else:
        with suppress(ModuleNotFoundError):
            spec = util.find_spec(package)
            if spec is not None and spec.submodule_search_locations is not None:
                roots = [Path(place) for place in spec.submodule_search_locations]
            elif spec is not None and spec.origin:
                return hash_tree(Path(spec.origin))[0]
    if not roots:
        raise FlowError(f'{package} is not installed', hint='reinstall da4ml-flow')
    tree = hashlib.sha256()
    for root in roots:
        for item in sorted(root.rglob('*')):
            if item.suffix in CODE_SUFFIXES and item.is_file():
                tree.update(f'{item.relative_to(root)}\0{hash_tree(item)[0]}\n'.encode())
    return tree.hexdigest()
