"""`da4ml-flow inspect`: what a model holds, what of it is supported, and the configuration to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from da4ml_flow.cli.options import JSON

if TYPE_CHECKING:
    from da4ml_core.frontends.inspection import InspectedLayer, Inspection


@click.command()
@click.argument('model', type=click.Path(path_type=Path))
@click.option('--weights', type=click.Path(path_type=Path), help='Of a Keras architecture in .json.')
@click.option('--input-type', help='Of an .onnx model that does not quantize its inputs, as in fixed<3,12>.')
@click.option('--dataset', type=click.Path(path_type=Path), help='Samples in an .npz file, for the configuration.')
@click.option('--device', default='xilinx-us+', show_default=True, help='Device family of the estimate.')
@JSON
def inspect(
    model: Path, weights: Path | None, input_type: str | None, dataset: Path | None, device: str, as_json: bool
) -> int:
    """Show the layers of MODEL: shapes, quantizers, bit-operations, and what is not supported and why.

    Every layer is tried, not only those up to the first that fails. Exit code 1: something is not supported.
    """
    from da4ml_core.device import device as known_device
    from da4ml_core.frontends.inspection import inspect_model
    from da4ml_core.ir.cost import depth
    from da4ml_core.passes.area import lut_estimate
    from da4ml_flow.cli.console import print_json, print_table
    from da4ml_flow.cli.model import existing_model
    from da4ml_flow.cli.starting import short_text, starting_config

    family = known_device(device)
    found = inspect_model(existing_model(model), weights, input_type)
    folder = Path.cwd()
    config = short_text(
        starting_config(model, folder, dataset, is_float=found.is_float, input_type=found.input_type, weights=weights)
    )
    estimate: dict[str, Any] = {}
    if found.program is not None:
        estimate = {
            'adders': found.program.num_adders,
            'depth': depth(found.program),
            'lut_estimate': round(lut_estimate(found.program, family), 1),
        }
    if as_json:
        print_json(_data(found, estimate, config))
        return 0 if found.supported else 1
    inputs = ', '.join(f'{name} {_shape(shape)}' for name, shape in found.inputs)
    click.echo(f'{model}: {found.kind} {found.name!r}; inputs: {inputs or "none that can be read"}\n')
    print_table(_table(found))
    click.echo('')
    for layer in found.layers:
        if layer.reason:
            click.echo(f'{layer.name} ({layer.kind}): {layer.reason}' + (f'; {layer.hint}' if layer.hint else ''))
    if found.problem:
        click.echo(f'the model as a whole: {found.problem}')
    for note in found.notes:
        click.echo(f'note: {note}')
    click.echo(_summary(found, estimate, device))
    if found.supported:
        click.echo(f'\n# a configuration to start from: da4ml-flow build FILE\n{config}', nl=False)
    return 0 if found.supported else 1


def _table(found: Inspection) -> Any:
    from da4ml_flow.report.table import Table

    rows = tuple(
        (
            layer.name,
            layer.kind,
            'constant'
            if layer.shape is None and found.kind in ('QONNX model', 'PyTorch model')
            else _shape(layer.shape),
            '; '.join(layer.quantizers),
            f'{layer.bit_operations:,}' if layer.bit_operations else '',
            str(layer.verdict),
        )
        for layer in found.layers
    )
    return Table('', ('layer', 'kind', 'output', 'quantizers', 'bit-operations', 'supported'), rows, frozenset({4}))


def _shape(shape: tuple[int, ...] | None) -> str:
    return '' if shape is None else 'x'.join(map(str, shape)) or '1'


def _summary(found: Inspection, estimate: dict[str, Any], device: str) -> str:
    refused = sum(layer.verdict == 'no' for layer in found.layers)
    unknown = sum(layer.verdict == 'unknown' for layer in found.layers)
    if not found.supported:
        tail = f', {unknown} not tried' if unknown else ''
        return f'not supported: {refused} of {len(found.layers)} layers{tail}'
    if found.is_float:
        return (
            f'supported by post-training quantization; {found.bit_operations:,} bit-operations with 8 bits of weights '
            'and activations'
        )
    operations = f'{found.bit_operations:,} bit-operations, ' if found.bit_operations else ''
    return (
        f'supported; {operations}{estimate["adders"]:,} adders in {estimate["depth"]} levels, '
        f'about {estimate["lut_estimate"]:,.0f} LUTs of {device} (effort fast)'
    )


def _data(found: Inspection, estimate: dict[str, Any], config: str) -> dict[str, Any]:
    return {
        'source': found.source,
        'kind': found.kind,
        'name': found.name,
        'supported': found.supported,
        'is_float': found.is_float,
        'input_type': found.input_type,
        'inputs': [{'name': name, 'shape': list(shape)} for name, shape in found.inputs],
        'layers': [_layer_data(layer) for layer in found.layers],
        'problem': found.problem,
        'notes': list(found.notes),
        'bit_operations': found.bit_operations,
        **estimate,
        'config': config if found.supported else None,
    }


def _layer_data(layer: InspectedLayer) -> dict[str, Any]:
    return {
        'name': layer.name,
        'kind': layer.kind,
        'supported': str(layer.verdict),
        'shape': None if layer.shape is None else list(layer.shape),
        'quantizers': list(layer.quantizers),
        'bit_operations': layer.bit_operations,
        'reason': layer.reason,
        'hint': layer.hint,
    }
