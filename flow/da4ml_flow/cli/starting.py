"""The configuration to start from for a model: what `init` writes, and `inspect` shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from da4ml_flow.config.model import BuildConfig, DatasetConfig

INPUT_NAMES = ('x', 'X', 'inputs', 'data')
LABEL_NAMES = ('labels', 'label', 'y', 'Y', 'targets')


def starting_config(
    model: Path,
    folder: Path,
    dataset: Path | None = None,
    name: str | None = None,
    *,
    is_float: bool = False,
    input_type: str | None = None,
    weights: Path | None = None,
) -> BuildConfig:
    """Every stage with its defaults; paths below ``folder``, that of the file, are written from there.

    A float model is quantized with the samples of the dataset, which the caller must give then.
    """
    from da4ml_flow.cli.convert import identifier
    from da4ml_flow.config.model import (
        BuildConfig,
        ImplementConfig,
        LintConfig,
        ModelConfig,
        QuantizationConfig,
        SimulateConfig,
        SynthesizeConfig,
    )

    samples = None if dataset is None else _dataset(dataset, folder)
    return BuildConfig.model_construct(
        name=name or identifier(model),
        model=ModelConfig.model_construct(
            source=_below(model, folder),
            weights=None if weights is None else _below(weights, folder),
            dataset=samples,
            input_type=input_type,
        ),
        quantization=QuantizationConfig() if is_float else None,
        lint=LintConfig(),
        simulate=SimulateConfig(),
        synthesize=SynthesizeConfig(),
        implement=ImplementConfig(),
    )


def short_text(config: BuildConfig) -> str:
    """The keys of the configuration that say something of the model, and the stages, as YAML."""
    from da4ml_flow.config.text import scalar

    model, section = config.model, config.quantization
    lines = [f'name: {config.name}', 'model:', f'  source: {scalar(model.source)}']
    if model.weights is not None:
        lines.append(f'  weights: {scalar(model.weights)}')
    if model.input_type is not None:
        lines.append(f'  input_type: {scalar(model.input_type)}  # the inputs have no quantizer: say their bits')
    if model.dataset is not None:
        samples = model.dataset
        labels = '' if samples.labels is None else f', labels: {scalar(samples.labels)}'
        lines.append(f'  dataset: {{path: {scalar(samples.path)}, inputs: {scalar(samples.inputs)}{labels}}}')
    elif section is not None:
        lines.append('  dataset: {path: samples.npz, inputs: x}  # yours: inputs that ranges are taken from')
    if section is not None:
        lines.append(
            f'quantization: {{weight_bits: {section.weight_bits}, activation_bits: {section.activation_bits}}}'
        )
    pipeline = f'{{max_levels: {config.rtl.pipeline.max_levels}}}'
    lines.append(f'rtl: {{clock_ns: {config.rtl.clock_ns}, pipeline: {pipeline}}}')
    lines += ['lint: {tool: verilator}', 'simulate: {tool: verilator}', 'synthesize: {tool: yosys}']
    return '\n'.join(lines) + '\n'


def _below(path: Path, folder: Path) -> Path:
    """The path as the configuration says it: from its own folder, if it is in there."""
    if str(path).startswith('python:'):
        return path
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
