"""`da4ml-flow predict`: run a model bit-exactly, in the interpreter or as simulated hardware."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from da4ml_flow.cli.options import JSON, LANGUAGE, pipeline_options, solver_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from da4ml_core.ir import Program

SHOWN_SAMPLES = 5


@click.command()
@click.argument('model', type=click.Path(path_type=Path))
@click.argument('data', metavar='DATA.npz', type=click.Path(path_type=Path))
@click.option('--input', 'input_name', default='x', show_default=True, help='Name of the array of samples in DATA.')
@click.option('--output', type=click.Path(path_type=Path), help="Write the outputs as array 'y' of this .npz file.")
@click.option('--compare', metavar='ARRAY', help='Compare with this array of DATA; exit with 1 if any element differs.')
@click.option('--samples', type=click.IntRange(1), help='Only the first so many samples.')
@click.option('--rtl', is_flag=True, help='Simulate the emitted hardware description instead of interpreting.')
@click.option(
    '--compiled/--interpreted',
    default=None,
    help="Machine code by the system's C compiler, or never; by itself if long.",
)
@LANGUAGE
@pipeline_options
@solver_options
@JSON
def predict(
    model: Path,
    data: Path,
    input_name: str,
    output: Path | None,
    compare: str | None,
    samples: int | None,
    rtl: bool,
    compiled: bool | None,
    language: str,
    limits: dict[str, Any],
    effort: str,
    extra_depth: int,
    device: str,
    max_operands: str,
    input_type: str | None,
    as_json: bool,
) -> int:
    """Run MODEL (.keras, .h5, .onnx, or a program .json.gz) on the samples in DATA.npz."""
    import numpy as np

    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.model import read_model
    from da4ml_flow.stages.dataset import load_array

    x = load_array(data, input_name, key='--input')[:samples]
    expected = load_array(data, compare, key='--compare')[:samples] if compare else None
    program = read_model(model, effort, extra_depth, device, max_operands, input_type)
    start = time.perf_counter()
    y = _simulated(program, x, limits, device, language) if rtl else _interpreted(program, x, compiled)
    seconds = time.perf_counter() - start
    facts: dict[str, Any] = {
        'samples': len(y),
        'shape': list(y.shape),
        'engine': 'simulated RTL' if rtl else 'compiled' if compiled else 'interpreter',
        'seconds': round(seconds, 4),
    }
    if expected is not None:
        facts['compared'] = int(y.size)
        facts['different'] = _differences(y, expected, data, compare or '')
    if output is not None:
        _save(output, y)
        facts['output'] = str(output)
    if as_json:
        print_json(facts if output else {**facts, 'y': y.tolist()})
    else:
        if output is None and compare is None:
            for sample in y[:SHOWN_SAMPLES]:
                click.echo(' '.join(f'{value:.10g}' for value in np.ravel(sample)))
            if len(y) > SHOWN_SAMPLES:
                click.echo(f'... {len(y) - SHOWN_SAMPLES} more samples; --output writes all', err=True)
        click.echo(f'{len(y)} samples in {seconds:.3f} s ({facts["engine"]})', err=True)
        if expected is not None:
            click.echo(f'{facts["different"]} of {facts["compared"]} elements differ from {compare}')
    return 1 if facts.get('different') else 0


def _interpreted(program: Program, x: NDArray[Any], compiled: bool | None) -> NDArray[Any]:
    from da4ml_core.interp import Executable

    return shaped(program, Executable(program).run(x, compiled=compiled))


def shaped(program: Program, y: NDArray[Any]) -> NDArray[Any]:
    """Rows of all outputs in the shape of the one output, if there is but one."""
    return y.reshape(len(y), *program.output_shapes[0]) if len(program.output_shapes) == 1 else y


def _simulated(program: Program, x: NDArray[Any], limits: dict[str, Any], family: str, language: str) -> NDArray[Any]:
    from da4ml_core.interp import decode
    from da4ml_flow.cli.model import emit
    from da4ml_flow.eda.backends.verilator import run_program

    _, bundle = emit(program, 'kernel', limits, family, language)
    with tempfile.TemporaryDirectory(prefix='da4ml_') as scratch:
        codes = run_program(program, bundle, x, Path(scratch))
    return shaped(program, decode(program, codes))


def _differences(y: NDArray[Any], expected: NDArray[Any], data: Path, name: str) -> int:
    import numpy as np

    from da4ml_flow.errors import DatasetError, Location

    if expected.size != y.size:
        raise DatasetError(
            f'array {name!r} has shape {expected.shape}, the outputs have {y.shape}', location=Location(str(data))
        )
    return int(np.count_nonzero(expected.reshape(y.shape) != y))


def _save(path: Path, y: NDArray[Any]) -> None:
    """Write the file beside its place and move it there, so that it is whole or not there."""
    import numpy as np

    from da4ml_flow.workspace import system_errors

    partial = path.with_name(f'.{path.name}.work')
    with system_errors(path):
        try:
            with partial.open('wb') as file:
                np.savez_compressed(file, y=y)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
