"""How a float model is quantized: bits, scales, ranges, biases, and exceptions for single layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from da4ml_core.errors import FormatError
from da4ml_core.fixed import Overflow, Rounding

MAX_BITS = 24
ROUNDINGS = (Rounding.RND, Rounding.TRN, Rounding.RND_CONV)
OVERFLOWS = (Overflow.SAT, Overflow.SAT_SYM, Overflow.WRAP)
SCALES = ('tensor', 'channel')
RANGES = ('mse', 'max')
OVERRIDABLE = ('weight_bits', 'activation_bits', 'bias_bits')


@dataclass(frozen=True, slots=True)
class Quantization:
    """Settings of post-training quantization; all scales are powers of two.

    ``weight_bits`` count the sign, and codes are symmetric: 3 bits are -3 to 3. ``input_bits`` None: as activations;
    ``output_bits`` None: outputs keep all bits of their sums; ``bias_bits`` None: biases are in steps of the products.
    A scale is shared by a 'tensor', or is one for each 'channel'. ``range`` 'max' covers all that calibration has
    seen, 'mse' lets the rare large value saturate where that makes the mean square error smaller.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    input_bits: int | None = None
    bias_bits: int | None = None
    output_bits: int | None = None
    weight_scale: str = 'channel'
    activation_scale: str = 'tensor'
    range: str = 'mse'
    rounding: Rounding = Rounding.RND
    overflow: Overflow = Overflow.SAT
    fold_batchnorm: bool = True
    correct_bias: bool = True
    layers: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, layer: str, key: str) -> Any:
        """A setting for one layer."""
        return self.layers.get(layer, {}).get(key, getattr(self, key))


def check_settings(settings: Quantization) -> None:
    """Raise FormatError for settings without a meaning."""
    for spec in fields(settings):
        if spec.name.endswith('_bits'):
            _check_bits(spec.name, getattr(settings, spec.name), spec.default is None)
    for layer, overrides in settings.layers.items():
        for key, bits in overrides.items():
            if key not in OVERRIDABLE:
                raise FormatError(
                    f'layer {layer!r} cannot have a {key!r} of its own', hint=f'one of {", ".join(OVERRIDABLE)}'
                )
            _check_bits(f'{key} of layer {layer!r}', bits, key == 'bias_bits')
    choices: tuple[tuple[str, tuple[str, ...]], ...] = (
        ('weight_scale', SCALES),
        ('activation_scale', SCALES),
        ('range', RANGES),
        ('rounding', ROUNDINGS),
        ('overflow', OVERFLOWS),
    )
    for name, known in choices:
        value = getattr(settings, name)
        if value not in known:
            raise FormatError(f'{name} {value!r} is unknown', hint=f'one of {", ".join(known)}')


def _check_bits(name: str, bits: int | None, optional: bool) -> None:
    if bits is None and optional:
        return
    least = 2 if name.startswith('weight') else 1
    if isinstance(bits, bool) or not isinstance(bits, int) or not least <= bits <= MAX_BITS:
        raise FormatError(f'{name} must be an integer from {least} to {MAX_BITS}, not {bits!r}')
