"""What commands without a configuration share: the model, its hardware description, a new folder for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from da4ml_flow.config.nearest import nearest
from da4ml_flow.errors import FlowError, Location
from da4ml_flow.workspace import system_errors

if TYPE_CHECKING:
    from da4ml_core.codegen import RtlBundle
    from da4ml_core.ir import Program
    from da4ml_core.passes.schedule import Schedule


def existing_model(path: Path) -> Path:
    """The path; raises FlowError if it is not that of a file. The name of a function is left to its reader."""
    if not path.is_file() and not str(path).startswith('python:'):
        beside = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
        near = nearest(path.name, beside)
        hint = f"did you mean '{path.parent / near}'?" if near else ''
        message = 'a folder, not a model file' if path.is_dir() else 'there is no such model file'
        raise FlowError(message, location=Location(str(path)), hint=hint)
    return path


def read_model(
    path: Path, effort: str, extra_depth: int, device: str, max_operands: str, input_type: str | None
) -> Program:
    """The program of a model file; what its reader notes goes to stderr."""
    from da4ml_flow.stages.model_file import load_model

    return load_model(
        existing_model(path),
        effort=effort,
        extra_depth=extra_depth,
        device=device,
        max_operands=None if max_operands == 'auto' else int(max_operands),
        input_type=input_type,
        report=lambda text: click.echo(text, err=True),
    )


def emit(
    program: Program, top: str, limits: Mapping[str, Any], family: str, language: str = 'verilog'
) -> tuple[Schedule, RtlBundle]:
    """The program, pipelined within the limits (those of `schedule`), as Verilog or VHDL."""
    from da4ml_core.codegen import emit_rtl
    from da4ml_core.device import device
    from da4ml_core.passes.schedule import schedule

    scheduled = schedule(program, **limits, device=device(family))
    return scheduled, emit_rtl(scheduled, top, language)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that is there whole after the block, or not at all after an error; it must not exist before."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FlowError(
            'the folder is there already', location=Location(str(path)), hint='choose another, or remove it'
        )
    work = path.with_name(f'.{path.name}.work')
    with system_errors(path):
        if work.exists():
            shutil.rmtree(work)
        work.mkdir(parents=True)
    try:
        with system_errors(path):
            yield work
            if path.exists():
                path.rmdir()
            work.rename(path)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(work)
        raise
