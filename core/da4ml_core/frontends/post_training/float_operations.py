"""The operations of a float model: each in float64 on a batch, and on symbolic arrays; channels come last."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from da4ml_core.trace import SymbolicArray

Array = NDArray[np.float64]

PATCH_NUMBERS = 1 << 22  # of a convolution's windows that are gathered at a time
RECIPROCAL_BITS = 10  # significant bits of 1/n in the mean of n values


class Operation(ABC):
    """A function of one or more tensors; ``grows`` says whether its results need more bits than its inputs."""

    grows = False

    @abstractmethod
    def evaluate(self, inputs: Sequence[Array]) -> Array:
        """The result for a batch, whose samples are along the first axis."""

    @abstractmethod
    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        """The symbolic result for one sample."""


@dataclass(frozen=True, eq=False)
class Weighted(Operation):
    """Products with constants; ``kernel`` and ``bias`` have the output's channels along their last axis."""

    kernel: Array
    bias: Array

    grows = True

    def rescaled(self, scale: Array, offset: Array) -> tuple[Array, Array]:
        """Kernel and bias of this operation with ``* scale + offset`` behind it."""
        return self.kernel * scale, self.bias * scale + offset


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """A product along the last axis; the kernel is (inputs, outputs)."""

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return np.asarray(inputs[0] @ self.kernel + self.bias)

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return inputs[0] @ self.kernel + self.bias


@dataclass(frozen=True, eq=False)
class Scale(Weighted):
    """A factor and an offset for each channel."""

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return inputs[0] * self.kernel + self.bias

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return inputs[0] * self.kernel + self.bias


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """A correlation; the kernel is (spatial axes, channels of a group, filters)."""

    strides: tuple[int, ...]
    padding: str = 'valid'
    dilation: tuple[int, ...] = ()
    groups: int = 1

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        from da4ml_core.trace.convolution import gather, gather_taps

        (x,), rank = inputs, self.kernel.ndim - 2
        dilation = self.dilation or (1,) * rank
        geometry = zip(x.shape[1 : rank + 1], self.kernel.shape[:rank], self.strides, dilation, strict=True)
        counts, taps = gather(x.shape[1 : rank + 1], [gather_taps(*axis, self.padding) for axis in geometry])
        flat = _with_fill(x, rank, 0.0)
        each, made = x.shape[-1] // self.groups, self.kernel.shape[-1] // self.groups
        result = np.empty((len(x), len(taps), self.kernel.shape[-1]))
        step = max(1, PATCH_NUMBERS // (taps.size * x.shape[-1]))
        for start in range(0, len(x), step):
            patches = flat[start : start + step][:, taps]
            for group in range(self.groups):
                read = patches[..., group * each : (group + 1) * each]
                made_here = slice(group * made, (group + 1) * made)
                matrix = self.kernel[..., made_here].reshape(-1, made)
                result[start : start + step, :, made_here] = read.reshape(*read.shape[:2], -1) @ matrix
        return result.reshape(len(x), *counts, -1) + self.bias

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        from da4ml_core.trace import conv

        y = conv(inputs[0], self.kernel, self.strides, self.padding, self.dilation or 1, self.groups)
        return y + self.bias


@dataclass(frozen=True, eq=False)
class Rectifier(Operation):
    """``max(x, 0)``, with a slope below zero and a cap where they are given."""

    slope: float = 0.0
    cap: float | None = None

    grows = True

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        (x,) = inputs
        y = np.where(x >= 0, x, x * self.slope)
        return y if self.cap is None else np.minimum(y, self.cap)

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        from da4ml_core.trace import leaky_relu, relu

        (x,) = inputs
        y: Any = leaky_relu(x, self.slope) if self.slope else relu(x)
        return y if self.cap is None else np.minimum(y, self.cap)


@dataclass(frozen=True, eq=False)
class Tabulated(Operation):
    """A function of one number; its symbolic form is a table, made where its result is quantized."""

    function: Callable[[Any], Any]

    grows = True

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return np.asarray(self.function(inputs[0]))

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Merge(Operation):
    """An arithmetic function of several tensors, from left to right."""

    function: Callable[[Any, Any], Any]

    grows = True

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return np.asarray(self._folded(inputs))

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return self._folded(inputs)

    def _folded(self, inputs: Sequence[Any]) -> Any:
        result = inputs[0]
        for other in inputs[1:]:
            result = self.function(result, other)
        return result


@dataclass(frozen=True, eq=False)
class Concatenate(Operation):
    """Tensors joined along an axis that counts the batch."""

    axis: int

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return np.concatenate(inputs, axis=self.axis)

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return np.concatenate(inputs, axis=self.axis - 1)


@dataclass(frozen=True, eq=False)
class Reshape(Operation):
    """The elements of a sample in another shape."""

    shape: tuple[int, ...]

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return inputs[0].reshape(len(inputs[0]), *self.shape)

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return inputs[0].reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Permute(Operation):
    """The axes of a sample in another order, counted without the batch."""

    order: tuple[int, ...]

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return inputs[0].transpose(0, *(axis + 1 for axis in self.order))

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return inputs[0].transpose(*self.order)


@dataclass(frozen=True, eq=False)
class ZeroPad(Operation):
    """Zeros before and behind each axis of a sample."""

    widths: tuple[tuple[int, int], ...]

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], [(0, 0), *self.widths])

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        return np.pad(inputs[0], list(self.widths))


@dataclass(frozen=True, eq=False)
class Upsample(Operation):
    """Every position repeated along the spatial axes."""

    size: tuple[int, ...]

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        (x,) = inputs
        for axis, times in enumerate(self.size):
            x = np.repeat(x, times, axis=axis + 1)
        return x

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        from da4ml_core.trace import upsample

        return upsample(inputs[0], self.size)


@dataclass(frozen=True, eq=False)
class MaxPool(Operation):
    """The largest value of each window."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str = 'valid'

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        counts, windows = _windows(inputs[0], self.size, self.strides, self.padding, -np.inf)
        return np.asarray(windows.max(axis=2).reshape(len(windows), *counts, -1))

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        from da4ml_core.trace import max_pool

        return max_pool(inputs[0], self.size, self.strides, self.padding)


@dataclass(frozen=True, eq=False)
class AveragePool(Operation):
    """The mean of what each window has inside of the array, by a reciprocal of RECIPROCAL_BITS bits."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str = 'valid'

    grows = True

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        counts, windows = _windows(inputs[0], self.size, self.strides, self.padding, 0.0)
        sums = windows.sum(axis=2).reshape(len(windows), *counts, -1)
        return np.asarray(sums * self._reciprocals(inputs[0].shape[1:-1]))

    def trace(self, inputs: Sequence[SymbolicArray]) -> Any:
        from da4ml_core.trace import sum_pool

        (x,) = inputs
        return sum_pool(x, self.size, self.strides, self.padding) * self._reciprocals(x.shape[:-1])

    def _reciprocals(self, spatial: tuple[int, ...]) -> Array:
        from da4ml_core.trace import window_counts

        counts = window_counts(spatial, self.size, self.strides, self.padding)[..., None]
        mantissa, exponent = np.frexp(1 / counts)
        return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, RECIPROCAL_BITS)), exponent - RECIPROCAL_BITS))


def _windows(
    x: Array, size: Sequence[int], strides: Sequence[int], padding: str, fill: float
) -> tuple[tuple[int, ...], Array]:
    """The outputs' shape, and the windows as (samples, outputs, taps, channels)."""
    from da4ml_core.trace.convolution import gather, gather_taps

    spatial = x.shape[1:-1]
    axes = [gather_taps(*axis, 1, padding) for axis in zip(spatial, size, strides, strict=True)]
    counts, taps = gather(spatial, axes)
    return counts, _with_fill(x, len(size), fill)[:, taps]


def _with_fill(x: Array, rank: int, fill: float) -> Array:
    """The positions of a batch in a row, with one more at the end for what lies outside."""
    flat = x.reshape(len(x), -1, *x.shape[rank + 1 :])
    outside = np.full((len(x), 1, *flat.shape[2:]), fill)
    return np.concatenate([flat, outside], axis=1)
