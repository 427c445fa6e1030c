"""`da4ml-flow init`: a first configuration for a model file."""

from __future__ import annotations

from pathlib import Path

import click

from da4ml_flow.cli.options import JSON


@click.command()
@click.argument('model', type=click.Path(path_type=Path))
@click.option('--output', type=click.Path(path_type=Path), help='The file to write.  [default: MODEL with .yaml]')
@click.option('--dataset', type=click.Path(path_type=Path), help='Samples in an .npz file, for accuracy.')
@click.option('--name', help="Name of the design.  [default: from MODEL's name]")
@JSON
def init(model: Path, output: Path | None, dataset: Path | None, name: str | None, as_json: bool) -> None:
    """Write a configuration for MODEL in which every key has its default and says what it means."""
    from da4ml_core.frontends.inspection import is_float_model
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.starting import starting_config
    from da4ml_flow.config.load import load_config
    from da4ml_flow.config.text import describe
    from da4ml_flow.errors import ConfigError, FlowError, Location
    from da4ml_flow.workspace import system_errors, write_durably

    path = output or model.with_suffix('.yaml')
    if path.exists():
        raise FlowError(
            'the file is there already', location=Location(str(path)), hint='choose another file with --output'
        )
    for file, what in ((model, 'model file'), (dataset, 'dataset')):
        if file is not None and not file.is_file():
            raise FlowError(f'there is no such {what}', location=Location(str(file)))
    is_float = is_float_model(model)
    if is_float and dataset is None:
        raise FlowError(
            'the model has no quantizers',
            location=Location(str(model)),
            hint='give samples to calibrate with: --dataset',
        )
    config = starting_config(model, path.absolute().parent, dataset, name, is_float=is_float)
    header = '# Build with `da4ml-flow build`. Paths are relative to this file; a section that is removed is not run.\n'
    with system_errors(path):
        write_durably(path, header + describe(config))
    try:
        load_config(path)
    except ConfigError:
        path.unlink()
        raise
    if as_json:
        print_json({'config': str(path), 'name': config.name})
    else:
        click.echo(f'{path}: written; next: da4ml-flow build {path}')
