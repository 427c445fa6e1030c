"""Post-training quantization as a build asks for it: settings, samples, accuracy before, and a report by tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from da4ml_flow.config.model import BuildConfig, QuantizationConfig

if TYPE_CHECKING:
    from da4ml_core.frontends.post_training import Quantization, QuantizedModel


def quantization_settings(config: BuildConfig) -> Mapping[str, Any] | None:
    """What of the section decides the program; the file of samples by its path."""
    section, samples = config.quantization, config.calibration
    if section is None or samples is None:
        return None
    return {
        **section.model_dump(mode='json', exclude={'calibration'}),
        'samples': samples.path,
        'array': samples.inputs,
    }


def core_settings(section: QuantizationConfig) -> Quantization:
    """The section as the compiler takes it."""
    from da4ml_core.fixed import Overflow, Rounding
    from da4ml_core.frontends.post_training import Quantization

    values = section.model_dump(exclude={'calibration', 'rounding', 'overflow'})
    return Quantization(**values, rounding=Rounding(section.rounding), overflow=Overflow(section.overflow))


def quantize_float_model(config: BuildConfig, report: Callable[[str], None]) -> QuantizedModel:
    """The model of a configuration with the section `quantization`; raises FrontendError, DatasetError."""
    from da4ml_core.frontends.post_training import quantize_model
    from da4ml_core.trace import SolverOptions
    from da4ml_flow.stages.dataset import load_array

    section, samples = config.quantization or QuantizationConfig(), config.calibration
    if samples is None:
        raise ValueError('a validated configuration has samples')
    x = load_array(samples.path, samples.inputs, key='quantization.calibration')
    report(f'calibrating with {min(len(x), 1024)} samples of {samples.path.name}')
    options = config.optimizer
    solver = SolverOptions(
        extra_depth=options.extra_depth,
        effort=options.effort,
        device=options.device,
        max_operands=config.max_operands,
        tables=options.tables,
    )
    quantized = quantize_model(config.model.source, x, core_settings(section), solver, config.model.weights)
    for text in quantized.dropped:
        report(f'note: {text}')
    return quantized


def float_accuracy(quantized: QuantizedModel, config: BuildConfig) -> float | None:
    """The accuracy in percent before quantization, where the dataset has labels."""
    from da4ml_flow.stages.dataset import accuracy_percent, load_dataset

    dataset = config.model.dataset
    if dataset is None or dataset.labels is None:
        return None
    data = load_dataset(dataset)
    return accuracy_percent(quantized.float_predict(data.inputs), data, dataset)


def quantization_report(quantized: QuantizedModel) -> str:
    """One line a tensor: its format, the bits of the weights before it, and signal over error on the samples."""
    rows = [('tensor', 'format', 'weights', 'signal/error')]
    for item in quantized.report:
        bits = '' if item.weight_bits is None else f'{item.weight_bits} bits'
        rows.append((item.name, item.format, bits, f'{item.sqnr_db:.1f} dB'))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return '\n'.join([*lines, *quantized.dropped]) + '\n'
