"""`da4ml-flow convert`: a model as a hardware description, without a configuration."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from da4ml_flow.cli.options import ANY_LANGUAGE, JSON, pipeline_options, solver_options
from da4ml_flow.stages.model_file import PROGRAM_SUFFIXES

if TYPE_CHECKING:
    from da4ml_core.ir import Program


@click.command()
@click.argument('model', type=click.Path(path_type=Path))
@click.argument('out', type=click.Path(path_type=Path))
@ANY_LANGUAGE
@click.option('--top', help="Name of the top module.  [default: from MODEL's name]")
@click.option('--optimize', 'optimized', is_flag=True, help='Simplify the program further; for those from elsewhere.')
@click.option(
    '--dump-passes', type=click.Path(path_type=Path), help='Write what each pass of --optimize made into a new folder.'
)
@pipeline_options
@solver_options
@JSON
def convert(
    model: Path,
    out: Path,
    language: str,
    top: str | None,
    optimized: bool,
    dump_passes: Path | None,
    limits: dict[str, Any],
    effort: str,
    extra_depth: int,
    device: str,
    max_operands: str,
    input_type: str | None,
    as_json: bool,
) -> None:
    """Write MODEL (.keras, .h5, .onnx, a program) as a FuseSoC core, or as C++, in the new folder OUT.

    Where OUT ends in .json, .json.gz, .dais, .dais.json or .alir.json[.gz] it is the program instead, as a file: ours,
    or one that da4ml or alkaid reads. MODEL may be such a file, too.
    """
    from da4ml_core.codegen import HLS_LANGUAGES, emit_hls
    from da4ml_core.device import device as known_device
    from da4ml_core.ir.cost import depth
    from da4ml_core.passes.area import lut_estimate
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.model import emit, new_folder, read_model
    from da4ml_flow.eda.core_file import write_core
    from da4ml_flow.eda.hls_project import write_hls

    family = known_device(device)
    name = top or identifier(model)

    def compiled() -> Program:
        program = read_model(model, effort, extra_depth, device, max_operands, input_type)
        return simplified(program, device, dump_passes) if optimized or dump_passes else program

    def figures(program: Program) -> dict[str, Any]:
        estimate = round(lut_estimate(program, family), 1)
        return {'adders': program.num_adders, 'lut_estimate': estimate, 'depth': depth(program)}

    if out.name.endswith(PROGRAM_SUFFIXES):
        program = compiled()
        write_program(program, out)
        facts = {**figures(program), 'ops': program.num_ops, 'files': [str(out)]}
        print_json(facts) if as_json else click.echo(f'{out}: {program.num_ops} operations')
        return
    with new_folder(out) as folder:
        program = compiled()
        facts = {'top': name, 'language': language, **figures(program)}
        if language in HLS_LANGUAGES:
            write_hls(emit_hls(program, name, language, limits['clock_ns']), program, folder, name)
            main, what, timing = f'{name}.cpp', 'function', 'pipelined by its tool'
        else:
            scheduled, bundle = emit(program, name, limits, device, language)
            main, what = write_core(bundle, name, folder).name, 'module'
            timing = f'latency {bundle.latency_cycles} cycles' if bundle.clocked else 'combinational'
            facts |= {
                'core': str(out / main),
                'latency_cycles': bundle.latency_cycles,
                'clocked': bundle.clocked,
                'register_bits': scheduled.register_bits,
                'stage_delay_ns': scheduled.delay_ns,
            }
        facts['files'] = sorted(str(out / item.name) for item in folder.iterdir())
    if as_json:
        print_json(facts)
    else:
        click.echo(
            f'{out / main}: {what} {name}, {program.num_adders} adders in {facts["depth"]} levels, '
            f'about {facts["lut_estimate"]:.0f} LUTs on {device}, {timing}'
        )


def write_program(program: Program, path: Path) -> None:
    """The program as a new file, of the kind that its suffix says."""
    from da4ml_core.api import Program as Savable
    from da4ml_flow.errors import FlowError, Location
    from da4ml_flow.workspace import system_errors

    if path.exists():
        raise FlowError('the file is there already', location=Location(str(path)), hint='choose another, or remove it')
    if not path.parent.is_dir():
        raise FlowError('there is no such folder', location=Location(str(path.parent)), hint='make it first')
    work = path.with_name(f'.work.{path.name}')
    try:
        with system_errors(path):
            Savable.of(program).save(work)
            work.rename(path)
    finally:
        work.unlink(missing_ok=True)


def simplified(program: Program, device: str, dump: Path | None) -> Program:
    """The optimized program; the text of it after each pass goes into a new folder, if one is given."""
    from da4ml_core.device import device as known_device
    from da4ml_core.ir.text import print_program
    from da4ml_core.passes.optimize import optimize
    from da4ml_flow.cli.model import new_folder

    if dump is None:
        return optimize(program, known_device(device))
    with new_folder(dump) as folder:
        (folder / '00_read.txt').write_text(print_program(program))
        numbers = count(1)

        def write(name: str, changed: Program) -> None:
            (folder / f'{next(numbers):02}_{name}.txt').write_text(print_program(changed))

        return optimize(program, known_device(device), watch=write)


def identifier(path: Path) -> str:
    """A name for a design, from the name of its model file."""
    if str(path).startswith('python:'):
        return path.name.rpartition(':')[2]
    stem = re.sub(r'\.json$', '', path.name.split('.gz')[0]) if path.suffix in ('.gz', '.json') else path.stem
    name = re.sub(r'\W+', '_', stem, flags=re.ASCII).strip('_')
    return name if re.match('[A-Za-z]', name) else f'model_{name}'.rstrip('_')
