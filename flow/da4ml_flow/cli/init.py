"""`da4ml-flow init`: a first configuration for a model file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from da4ml_flow.cli.options import JSON

if TYPE_CHECKING:
    from da4ml_flow.config.model import DatasetConfig

INPUT_NAMES = ('x', 'X', 'inputs', 'data')
LABEL_NAMES = ('labels', 'label', 'y', 'Y', 'targets')


@click.command()
@click.argument('model', type=click.Path(path_type=Path))
@click.option('--output', type=click.Path(path_type=Path), help='The file to write.  [default: MODEL with .yaml]')
@click.option('--dataset', type=click.Path(path_type=Path), help='Samples in an .npz file, for accuracy.')
@click.option('--name', help="Name of the design.  [default: from MODEL's name]")
@JSON
def init(model: Path, output: Path | None, dataset: Path | None, name: str | None, as_json: bool) -> None:
    """Write a configuration for MODEL in which every key has its default and says what it means."""
    from da4ml_flow.cli.console import print_json
    from da4ml_flow.cli.convert import identifier
    from da4ml_flow.config.load import load_config
    from da4ml_flow.config.model import (
        BuildConfig,
        ImplementConfig,
        LintConfig,
        ModelConfig,
        SimulateConfig,
        SynthesizeConfig,
    )
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
    folder = path.absolute().parent
    config = BuildConfig.model_construct(
        name=name or identifier(model),
        model=ModelConfig.model_construct(
            source=_below(model, folder), dataset=_dataset(dataset, folder) if dataset is not None else None
        ),
        lint=LintConfig(),
        simulate=SimulateConfig(),
        synthesize=SynthesizeConfig(),
        implement=ImplementConfig(),
    )
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


def _below(path: Path, folder: Path) -> Path:
    """The path as the configuration says it: from its own folder, if it is in there."""
    absolute = path.absolute()
    return absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute


def _dataset(path: Path, folder: Path) -> DatasetConfig:
    """The dataset with the arrays that look like samples and class labels."""
    from da4ml_flow.config.model import DatasetConfig
    from da4ml_flow.errors import DatasetError, Location
    from da4ml_flow.stages.dataset import array_shapes

    shapes = array_shapes(path)
    inputs = next((name for name in INPUT_NAMES if name in shapes), None)
    if inputs is None:
        hint = f'its arrays: {", ".join(shapes) or "none"}; call the samples x'
        raise DatasetError('no array of samples', location=Location(str(path)), hint=hint)
    labels = next((name for name in LABEL_NAMES if name in shapes and _are_labels(shapes[name], shapes[inputs])), None)
    return DatasetConfig.model_construct(path=_below(path, folder), inputs=inputs, labels=labels)


def _are_labels(array: tuple[tuple[int, ...], Any], samples: tuple[tuple[int, ...], Any]) -> bool:
    shape, kind = array
    return kind in 'iub' and shape[:1] == samples[0][:1] and shape[1:] in ((), (1,))
