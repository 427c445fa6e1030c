"""`da4ml-flow quantize`: a float model at several bit widths, accuracy beside cost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from da4ml_flow.cli.options import JSON

MAX_BITS = 24


def _bits(ctx: click.Context, option: click.Parameter, text: str) -> list[int]:
    found = re.fullmatch(r'(\d{1,2})(?:-(\d{1,2}))?', text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 2 <= first <= last <= MAX_BITS:
        raise click.BadParameter(f'expected a number or a range from 2 to {MAX_BITS}, as in 3-8')
    return list(range(first, last + 1))


@click.command()
@click.argument('model', type=click.Path(path_type=Path))
@click.argument('data', metavar='DATA.npz', type=click.Path(path_type=Path))
@click.option('--bits', callback=_bits, default='3-8', show_default=True, help='Of weights and activations, both.')
@click.option('--input', 'input_name', default='x', show_default=True, help='Name of the array of samples in DATA.')
@click.option('--labels', help='Name of the array of class labels in DATA; without it, no accuracy.')
@click.option('--calibration', metavar='ARRAY', help='Array of DATA that ranges are taken from.  [default: --input]')
@click.option('--weights', type=click.Path(path_type=Path), help='Of a Keras architecture in .json.')
@click.option('--set', 'overrides', multiple=True, metavar='KEY=VALUE', help='A key of quantization: overflow=WRAP.')
@click.option('--effort', type=click.Choice(['fast', 'balanced', 'max']), default='balanced', show_default=True)
@click.option('--extra-depth', type=click.IntRange(0, 64), default=2, show_default=True)
@click.option('--device', default='xilinx-us+', show_default=True, help='Device family whose costs count.')
@click.option('--output', type=click.Path(path_type=Path), help='Write the program, .json.gz, of one bit width.')
@JSON
def quantize(
    model: Path,
    data: Path,
    bits: list[int],
    input_name: str,
    labels: str | None,
    calibration: str | None,
    weights: Path | None,
    overrides: tuple[str, ...],
    effort: str,
    extra_depth: int,
    device: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Quantize the float MODEL (.keras, .h5, .onnx, .pt2, .json with weights beside it); accuracy and cost by bits."""
    import numpy as np

    from da4ml_core.device import device as known_device
    from da4ml_core.frontends.post_training import quantize_graph, read_float_model
    from da4ml_core.interp import predict
    from da4ml_core.ir.cost import depth
    from da4ml_core.ir.serialize import save_program
    from da4ml_core.passes.area import lut_estimate
    from da4ml_core.trace import SolverOptions
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.model import existing_model
    from da4ml_flow.config.model import DatasetConfig
    from da4ml_flow.stages.dataset import Dataset, accuracy_percent, load_array, load_dataset
    from da4ml_flow.stages.float_model import core_settings

    if output is not None and len(bits) != 1:
        raise click.UsageError('--output is for one bit width: give --bits a number')
    family = known_device(device)
    solver = SolverOptions(extra_depth=extra_depth, effort=effort, device=device)
    dataset = DatasetConfig.model_construct(path=data, inputs=input_name, labels=labels)
    samples: Dataset = load_dataset(dataset)
    seen = samples.inputs if calibration is None else load_array(data, calibration, key='--calibration')
    graph = read_float_model(existing_model(model), weights)
    rows: list[dict[str, Any]] = []
    float_percent: float | None = None
    for width in bits:
        settings = core_settings(_section(overrides, width))
        made = quantize_graph(graph, [seen], settings, solver)
        truth = made.float_predict(samples.inputs).reshape(len(samples.inputs), -1)
        outputs = np.asarray(predict(made.program, samples.inputs)).reshape(truth.shape)
        row: dict[str, Any] = {'bits': width}
        if samples.labels is not None:
            float_percent = accuracy_percent(truth, samples, dataset)
            row['accuracy'] = accuracy_percent(outputs, samples, dataset)
        row['same_class'] = round(100 * float(np.mean(truth.argmax(axis=1) == outputs.argmax(axis=1))), 6)
        row |= {
            'adders': made.program.num_adders,
            'lut_estimate': round(lut_estimate(made.program, family), 1),
            'depth': depth(made.program),
        }
        rows.append(row)
        if output is not None:
            save_program(made.program, output)
    for text in graph.dropped:
        click.echo(f'note: {text}', err=True)
    if as_json:
        print_json({'float_accuracy': float_percent, 'rows': rows})
        return
    click.echo(_table(rows, device))
    if float_percent is not None:
        click.echo(f'accuracy of the float model: {float_percent:.2f} %')


def _section(overrides: tuple[str, ...], bits: int) -> Any:
    """The section with these bits; what is overridden stays so at every width."""
    import yaml
    from pydantic import ValidationError

    from da4ml_flow.config.model import QuantizationConfig

    values: dict[str, Any] = {'weight_bits': bits, 'activation_bits': bits}
    for text in overrides:
        name, equals, value = text.partition('=')
        if not equals or name == 'calibration':
            raise click.BadParameter(f'expected KEY=VALUE with a key of quantization, not {text!r}')
        try:
            values[name.removeprefix('quantization.')] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise click.BadParameter(f'the value of {text!r} is not YAML') from None
    try:
        return QuantizationConfig.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = '.'.join(str(part) for part in first['loc'])
        raise click.BadParameter(f'--set {place}: {first["msg"]}') from None


def _table(rows: list[dict[str, Any]], device: str) -> str:
    columns = {
        'bits': ('bits', 'd'),
        'accuracy': ('accuracy %', '.2f'),
        'same_class': ('same class as float %', '.2f'),
        'adders': ('adders', ',d'),
        'lut_estimate': (f'LUT estimate {device}', ',.0f'),
        'depth': ('levels', 'd'),
    }
    shown = [key for key in columns if key in rows[0]]
    lines = [[columns[key][0] for key in shown]]
    lines += [[format(row[key], columns[key][1]) for key in shown] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(shown))]
    return '\n'.join('  '.join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
