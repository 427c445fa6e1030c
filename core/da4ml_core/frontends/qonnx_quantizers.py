"""The quantizers of QONNX (Quant, BipolarQuant, Trunc): their float32 reference, and the same on tensors, exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import UnsupportedLayer
from da4ml_core.fixed import Overflow, Rounding
from da4ml_core.frontends.onnx_model import Node
from da4ml_core.frontends.qonnx_staircase import TooManySteps, staircase
from da4ml_core.frontends.qonnx_tensor import Tensor

Array = NDArray[Any]
WIDEST = 24  # float32 holds every code up to here
WIDEST_SUM = 32
ONE, TWO = np.array(1, dtype=np.float32), np.array(2, dtype=np.float32)

# rounding_mode -> the float function, and the fixed-point mode where one is equal to it
ROUNDINGS: Mapping[str, tuple[Callable[[Array], Array], Rounding | None]] = MappingProxyType(
    {
        'ROUND': (np.round, Rounding.RND_CONV),
        'HALF_EVEN': (np.round, Rounding.RND_CONV),
        'FLOOR': (np.floor, Rounding.TRN),
        'DOWN': (np.trunc, Rounding.TRN_ZERO),
        'HALF_UP': (lambda x: np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5)), Rounding.RND_INF),
        'HALF_DOWN': (lambda x: np.sign(x) * np.ceil(np.abs(x) - x.dtype.type(0.5)), Rounding.RND_ZERO),
        'CEIL': (np.ceil, None),
        'UP': (lambda x: np.sign(x) * np.ceil(np.abs(x)), None),
    }
)


@dataclass(frozen=True, slots=True)
class Quant:
    """``(round(clamp(x / scale + zero)) - zero) * scale``."""

    node: Node
    scale: Array
    zero: Array
    bits: int
    signed: bool
    narrow: bool
    rounding: str

    @property
    def limits(self) -> tuple[int, int]:
        if self.signed:
            return -(1 << (self.bits - 1)) + self.narrow, (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1 - self.narrow

    @property
    def is_bipolar(self) -> bool:
        """One signed bit means -1 and 1 to the reference, and nothing is rounded."""
        return self.bits == 1 and self.signed

    def codes(self, x: Array) -> Array:
        y = x / self.scale + self.zero
        if self.is_bipolar:
            return np.where(y >= 0, np.float32(1), np.float32(-1))
        return ROUNDINGS[self.rounding][0](np.clip(y, np.float32(self.limits[0]), np.float32(self.limits[1])))

    def constants(self, x: Array) -> Array:
        return np.asarray((self.codes(x.astype(np.float32)) - self.zero) * self.scale, dtype=np.float32)

    def apply(self, x: Tensor) -> Tensor:
        if self.is_bipolar:
            half = thresholds(self.node, x, lambda values: self.codes(values) > 0)
            return self._scaled(half.with_constant('*', TWO).with_constant('-', ONE))
        mode = ROUNDINGS[self.rounding][1]
        if mode is None or x.steps or (self.narrow and not self.signed) or not power_of_two(self.scale):
            return self._scaled(thresholds(self.node, x, self.codes))
        whole_bits = self.bits - self.signed
        overflow = Overflow.SAT_SYM if self.narrow else Overflow.SAT
        if x.base.is_external and not self.zero.any():
            # the port itself quantizes, in the step of the scale
            exponent = np.broadcast_to(np.frexp(self.scale)[1] - 1, x.shape)
            return Tensor(x.base.quantize(self.signed, whole_bits + exponent, -exponent, mode, overflow))
        scaled = check_internal(self.node, x).with_constant('/', self.scale).with_constant('+', self.zero)
        if scaled.steps:
            return self._scaled(thresholds(self.node, x, self.codes))
        return self._scaled(Tensor(scaled.base.quantize(self.signed, whole_bits, 0, mode, overflow)))

    def _scaled(self, codes: Tensor) -> Tensor:
        return codes.with_constant('-', self.zero).with_constant('*', self.scale)


@dataclass(frozen=True, slots=True)
class Trunc:
    """``(round_mode(round(x / scale + zero) / 2**dropped) - zero) * scale``: drops low bits of integers."""

    node: Node
    scale: Array
    zero: Array
    dropped: int
    rounding: str

    limits: tuple[int, int] | None = None  # of what is rounded, in version 2
    output_scale: Array | None = None  # of version 2, where the zero point shrinks with the scale

    @property
    def shrink(self) -> np.float32:
        return np.float32(2**self.dropped)

    def codes(self, x: Array) -> Array:
        shifted = np.round(x / self.scale + self.zero) / self.shrink
        if self.limits is not None:
            shifted = np.clip(shifted, np.float32(self.limits[0]), np.float32(self.limits[1]))
        return ROUNDINGS[self.rounding][0](shifted)

    def constants(self, x: Array) -> Array:
        zero, scale = self._output
        return np.asarray((self.codes(x.astype(np.float32)) - zero) * scale, dtype=np.float32)

    def apply(self, x: Tensor) -> Tensor:
        mode = ROUNDINGS[self.rounding][1]
        scaled = check_internal(self.node, x).with_constant('/', self.scale).with_constant('+', self.zero)
        if scaled.steps or mode is None:
            codes = thresholds(self.node, x, self.codes)
        else:  # wide enough to hold any sum: the tracer narrows what cannot occur
            whole = scaled.base.quantize(True, 2 * WIDEST_SUM, 0, Rounding.RND_CONV, Overflow.WRAP)
            shifted: Any = whole * 2.0**-self.dropped
            if self.limits is not None:
                shifted = np.clip(shifted, *self.limits)
            codes = Tensor(shifted.quantize(True, 2 * WIDEST_SUM, 0, mode, Overflow.WRAP))
        zero, scale = self._output
        return codes.with_constant('-', zero).with_constant('*', scale)

    @property
    def _output(self) -> tuple[Array, Array]:
        if self.output_scale is None:
            return self.zero, self.scale
        return np.asarray(self.zero / self.shrink, dtype=np.float32), self.output_scale


@dataclass(frozen=True, slots=True)
class Bipolar:
    """``scale`` where x >= 0, else ``-scale``."""

    node: Node
    scale: Array

    def constants(self, x: Array) -> Array:
        return np.asarray(np.where(x >= 0, np.float32(1), np.float32(-1)) * self.scale, dtype=np.float32)

    def apply(self, x: Tensor) -> Tensor:
        half = thresholds(self.node, x, lambda values: values >= 0)
        signs = half.with_constant('*', TWO).with_constant('-', ONE)
        return signs.with_constant('*', self.scale)


def read_quant(node: Node, parameters: list[Array]) -> Quant:
    """From the inputs scale, zero point and bit width of a node; raises UnsupportedLayer or CorruptModel."""
    scale, zero = _scale(node, parameters, 'scale, zero point and bit width', 3), parameters[1].astype(np.float32)
    signed, narrow = bool(node.integer('signed')), bool(node.integer('narrow'))
    bits = _width(node, parameters[2])
    if not signed and bits - narrow < 1:
        raise node.unsupported('a Quant with 1 bit, unsigned and narrow, holds the number zero alone')
    return Quant(node, scale, zero, bits, signed, narrow, _rounding(node, 'ROUND'))


def read_trunc(node: Node, parameters: list[Array]) -> Trunc:
    """Version 1 has two bit widths; version 2 a scale for what is left, and clamps to its bit width."""
    if len(parameters) == 5:
        return _read_trunc_2(node, parameters)
    scale = _scale(node, parameters, 'scale, zero point, input and output bit width', 4)
    dropped = _width(node, parameters[2], WIDEST_SUM) - _width(node, parameters[3], WIDEST_SUM)
    if dropped < 0:
        raise node.corrupt('its output is wider than its input')
    return Trunc(node, scale, parameters[1].astype(np.float32), dropped, _rounding(node, 'FLOOR'))


def _read_trunc_2(node: Node, parameters: list[Array]) -> Trunc:
    scale = _scale(node, parameters, 'scale, zero point, input width, output scale and output width', 5)
    output = parameters[3].astype(np.float32)
    ratios = np.round(np.log2(np.broadcast_to(output / scale, np.broadcast_shapes(output.shape, scale.shape))))
    if not (output > 0).all() or np.ptp(ratios) or not 0 <= ratios.reshape(-1)[0] <= WIDEST_SUM:
        raise node.unsupported(
            'output scales that are not the scales times one power of two are not supported',
            hint='the same ratio for all channels',
        )
    bits = _width(node, parameters[4], WIDEST)
    signed, narrow = bool(node.integer('signed', 1)), bool(node.integer('narrow', 0))
    kept = Quant(node, scale, parameters[1], bits, signed, narrow, 'FLOOR')
    zero, rounding = parameters[1].astype(np.float32), _rounding(node, 'FLOOR')
    return Trunc(node, scale, zero, int(ratios.reshape(-1)[0]), rounding, kept.limits, output)


def read_bipolar(node: Node, parameters: list[Array]) -> Bipolar:
    return Bipolar(node, _scale(node, parameters, 'scale', 1))


def check_internal(node: Node, x: Tensor) -> Tensor:
    """Raise UnsupportedLayer for arithmetic on an input of the model that has no fixed-point type."""
    if x.base.is_external:
        raise node.unsupported(
            'the model computes with its input before a Quant with a power-of-two scale: it has no fixed-point type',
            hint="say it: input_type='fixed<3,12>' (bits before and after the binary point, without the sign)",
        )
    return x


def power_of_two(numbers: Array) -> bool:
    return bool((np.frexp(np.abs(numbers))[0] == 0.5).all())


def thresholds(node: Node, x: Tensor, codes: Callable[[Array], Array]) -> Tensor:
    """The codes as comparisons of the base with thresholds."""
    check_internal(node, x)
    try:
        return Tensor(staircase(x.base, lambda numbers: codes(x.evaluate(numbers))))
    except TooManySteps as reason:
        raise node.unsupported(
            f'{node.op_type} behind arithmetic that float32 rounds: {reason}',
            hint='a scale that is a power of two, or fewer bits',
        ) from None


def _scale(node: Node, parameters: list[Array], expected: str, count: int) -> Array:
    if len(parameters) != count:
        raise node.corrupt(f'it has {len(parameters)} parameters, not {expected}')
    scale = parameters[0].astype(np.float32)
    if not (scale > 0).all():
        raise node.corrupt('its scale is not positive')
    return scale


def _width(node: Node, parameter: Array, widest: int = WIDEST) -> int:
    widths = np.unique(parameter)
    if len(widths) != 1 or widths[0] != int(widths[0]):
        raise _unsupported_width(node, 'several' if len(widths) != 1 else str(widths[0]), widest)
    if not 1 <= widths[0] <= widest:
        raise _unsupported_width(node, str(int(widths[0])), widest)
    return int(widths[0])


def _unsupported_width(node: Node, found: str, widest: int) -> UnsupportedLayer:
    return node.unsupported(
        f'a bit width of {found} is not supported', hint=f'supported: one integer from 1 to {widest}'
    )


def _rounding(node: Node, default: str) -> str:
    name = node.text('rounding_mode', default).upper()
    if name not in ROUNDINGS:
        raise node.unsupported(f'rounding_mode {name!r} is not supported', hint=f'supported: {", ".join(ROUNDINGS)}')
    return name
