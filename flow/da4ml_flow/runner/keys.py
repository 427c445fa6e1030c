"""Content keys: the hash of everything that decides what a stage makes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

from da4ml_flow.eda.core_file import ip_root
from da4ml_flow.errors import FlowError
from da4ml_flow.results.metrics import ToolVersion
from da4ml_flow.results.record import digest
from da4ml_flow.workspace import hash_tree

CODE_SUFFIXES = {'.py', '.pyx', '.pxd', '.cc', '.hh', '.v', '.vhd', '.core', '.j2', '.mako'}
COMPILER = ('da4ml_core',)
PRIMITIVES = 'da4ml_ip'
TOOLING = (
    'da4ml_core.codegen.bundle',
    'da4ml_flow.eda',
    'edalize.tools.da4mlghdl',
    'edalize.tools.da4mlyosys',
    'edalize.tools.da4mlprove',
    'edalize.tools.da4mlnextpnr',
    'edalize.tools.da4mlvivado',
    'edalize.tools.da4mlquartus',
    PRIMITIVES,
)
BENCHES = ('da4ml_flow.eda.vhdl_bench', 'da4ml_flow.eda.verilog_bench')
COSTS = ('da4ml_flow.stages.vendor', 'da4ml_flow.stages.cost')
# the packages and modules whose sources decide the result of a stage; its own module always does
CODE: Mapping[str, tuple[str, ...]] = {
    'trace': (*COMPILER, 'da4ml_flow.stages.model_file', 'da4ml_flow.stages.float_model'),
    'emit': (*COMPILER, 'da4ml_flow.eda.core_file', 'da4ml_flow.eda.harness', *BENCHES),
    'lint': TOOLING,
    'simulate': (*TOOLING, 'da4ml_core.fixed', 'da4ml_core.ir', 'da4ml_core.interp'),
    'verify': (*TOOLING, *COMPILER),
    'synthesize': (*TOOLING, *COSTS),
    'implement': (*TOOLING, *COSTS, 'da4ml_flow.stages.synthesize'),
    'collect': COMPILER,
}


def stage_key(stage: str, settings: Mapping[str, Any], inputs: Mapping[str, str], tools: Iterable[ToolVersion]) -> str:
    """SHA-256 of a stage's settings (see `resolved`), input hashes, tool versions, and of our code behind it."""
    packages = (*CODE.get(stage, ()), f'da4ml_flow.stages.{stage}', 'da4ml_flow.stages.dataset')
    return digest(
        {
            'stage': stage,
            'settings': settings,
            'inputs': dict(inputs),
            'tools': sorted([tool.name, tool.version] for tool in tools),
            'version': package_version(),
            'code': code_digest(packages),
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
