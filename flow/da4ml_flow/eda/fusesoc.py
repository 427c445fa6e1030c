"""FuseSoC and edalize as libraries: from a core and a target to a directory in which `make` does the work."""

from __future__ import annotations

import errno
import logging
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from da4ml_flow.eda import process, tools
from da4ml_flow.eda.usage import USAGE_FILE
from da4ml_flow.errors import Location, ToolError, ToolFailed
from da4ml_flow.results.metrics import ToolVersion

_LAUNCHER = 'EDALIZE_LAUNCHER'  # what edalize's makefiles put before every command
LIBRARY_NAMES = ('fusesoc', 'edalize')
_OF_THE_SYSTEM = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)


@dataclass(frozen=True, slots=True)
class Project:
    """A configured work root: ``name`` is the stem that edalize gives to the files it makes."""

    root: Path
    name: str
    build_command: tuple[str, ...]
    run_command: tuple[str, ...]  # empty where the flow has no run phase


def libraries() -> tuple[ToolVersion, ...]:
    """The versions of FuseSoC and edalize, which are not imported for it."""
    return tuple(tools.library(name) for name in LIBRARY_NAMES)


def configure(
    core: str,
    target: str,
    *,
    cores: Sequence[Path],
    directory: Path,
    options: Mapping[str, str | Sequence[str]] | None = None,
) -> Project:
    """Resolve a core's dependencies, export its sources and write the build files of a target; runs no tool.

    Everything that FuseSoC reads or writes lies in ``directory``, which must not be shared with another process, and in
    the folders ``cores``. Raises ToolFailed with FuseSoC's log.
    """
    from fusesoc.config import Config  # type: ignore[import-untyped]
    from fusesoc.fusesoc import Fusesoc  # type: ignore[import-untyped]
    from fusesoc.librarymanager import Library  # type: ignore[import-untyped]

    directory = directory.resolve()
    root = directory / 'work'
    settings = directory / 'fusesoc.conf'
    directory.mkdir(parents=True, exist_ok=True)
    (directory / 'FUSESOC_IGNORE').touch()  # no library scan above this directory may pick up the exported copies
    # paths that FuseSoC finds relative to the file: a `%` in one would be interpolated
    settings.write_text('[main]\nbuild_root = build\ncache_root = cache\nlibrary_root = libraries\n')
    arguments: list[str] = []
    for key, value in (options or {}).items():
        arguments += [f'--{key}={value if isinstance(value, str) else " ".join(value)}']
    log = directory / 'fusesoc.log'
    try:
        with _logging_to(log):
            config = Config(str(settings), create_if_missing=False)
            config.libraries = []  # what FUSESOC_CORES of the environment brought in
            config.args_work_root = str(root)
            soc = Fusesoc(config)
            for folder in cores:
                soc.add_library(Library(folder.name, str(folder.resolve())))
            if soc.parse_errors:
                file, message = soc.parse_errors[0]
                raise ToolFailed(f'FuseSoC cannot read a core file: {message}', location=Location(str(file)))
            found = soc.get_core(core)
            flags = {**found.get_flags(target), 'target': target}
            with _fresh_defaults(found.get_flow(flags)):
                _, backend = soc.get_backend(found, flags, arguments)
            backend.configure()
            make, make_options = backend.build_runner.get_build_command()
            run_command = _run_command(backend)
    except ToolError:
        raise
    except (Exception, SystemExit) as error:  # it raises RuntimeError, DependencyError, SyntaxError, argparse's exit...
        if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
            raise  # a full disk is not FuseSoC's failure
        said = [line.strip() for line in str(getattr(error, 'msg', None) or error).splitlines() if line.strip()]
        logged = log.read_text().splitlines()[-3:] if log.exists() else []
        raise ToolFailed(
            f'FuseSoC cannot set up target {target!r} of {core}: {said[0] if said else type(error).__name__}',
            location=Location(str(log)),
            notes=(*said[1:], *logged),
        ) from error
    return Project(root, found.name.sanitized_name, (make, *make_options), run_command)


def build(
    project: Project,
    used: Sequence[tools.Tool],
    *,
    timeout_s: float | None = None,
    jobs: int = 1,
    hint: str = '',
) -> process.Finished:
    """Run the tools of a configured project; their output goes to ``make.log`` beside its work root.

    What each of them cost is in ``usage.jsonl`` there, unless the user put a launcher of his own before every command.
    """
    log = project.root.parent / 'make.log'
    launchers = project.root.parent / 'launchers'
    env = tools.environment(launchers, used)
    if not env.get(_LAUNCHER):
        # by a name on PATH: neither make nor a shell takes it apart, whatever the directory is called
        env[_LAUNCHER] = tools.write_launcher(launchers / 'da4ml-meter', _meter(project.root.parent))
    command = [*project.build_command, f'-j{jobs}', '--output-sync=target'] if jobs > 1 else project.build_command
    return process.run(command, cwd=project.root, log=log, timeout_s=timeout_s, env=env, hint=hint)


def _meter(directory: Path) -> tuple[str, ...]:
    return (sys.executable, '-I', '-S', str(Path(__file__).parent / 'shims' / 'meter.py'), str(directory / USAGE_FILE))


def execute(project: Project, arguments: Sequence[str | Path], *, timeout_s: float | None = None) -> process.Finished:
    """Run what a simulation target built; its output goes to ``run.log`` beside the work root."""
    if not project.run_command:
        raise ToolFailed(f'{project.name} has nothing to run')
    program = project.root / project.run_command[0]
    log = project.root.parent / 'run.log'
    return process.run([program, *project.run_command[1:], *arguments], cwd=project.root, log=log, timeout_s=timeout_s)


def _run_command(backend: object) -> tuple[str, ...]:
    """What the main tool of a flow would run; FuseSoC itself would run it without a timeout."""
    from edalize.flows.sim import Sim  # type: ignore[import-untyped]

    if not isinstance(backend, Sim):
        return ()
    program, arguments, _ = backend.flow.get_node(backend.flow_options['tool']).inst.run()
    return (program, *(word for argument in arguments for word in shlex.split(argument)))


@contextmanager
def _fresh_defaults(flow: str) -> Iterator[None]:
    """Keep one use of a flow from changing the next: edalize writes a design's options into its class's defaults."""
    module = import_module(f'edalize.flows.{flow}')
    flow_class = getattr(module, flow.capitalize())
    defaults = getattr(flow_class, 'FLOW_DEFINED_TOOL_OPTIONS', {})
    flow_class.FLOW_DEFINED_TOOL_OPTIONS = deepcopy(defaults)
    try:
        yield
    finally:
        flow_class.FLOW_DEFINED_TOOL_OPTIONS = defaults


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send what FuseSoC and edalize log and print to a file, and leave the process's logging as it was.

    FuseSoC warns through the root logger, too; without a handler there, `logging` would install one for good.
    """
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter('%(levelname)s: %(name)s: %(message)s'))
    loggers = [logging.getLogger(name) for name in ('', *LIBRARY_NAMES)]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        if logger.name != 'root':
            logger.setLevel(logging.INFO)
            logger.propagate = False
    try:
        with redirect_stdout(handler.stream), redirect_stderr(handler.stream):  # argparse prints
            yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        handler.close()
