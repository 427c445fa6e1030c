"""Random integer ONNX models and what qonnx and ONNX Runtime compute (FOLDER SEED COUNT); needs the package qonnx.

Codes all the way: QLinearConv, QLinearMatMul, their Integer forms, Trunc of version 2, and what exporters do to shapes.
"""

import numpy as np
from onnx import TensorProto
from random_qonnx_graph import RandomGraph, write_models

SCALES = (0.25, 0.5, 0.0371, 0.113, 0.29)


class RandomIntegers(RandomGraph):
    """Quantized inputs, one or two products of codes, and back to float numbers."""

    qonnx_opset = 2

    def scale(self, size: tuple[int, ...] = ()) -> np.ndarray:
        return self.rng.choice(SCALES, size)

    def zero(self, dtype) -> int:
        return int(self.rng.integers(0, 200)) if dtype == np.uint8 else int(self.rng.integers(-9, 10))

    def product(self, codes: str, point: tuple, size: int, units: int) -> tuple[str, tuple]:
        """A matrix product of codes whose scale, zero point and type are ``point``."""
        rng, (scale, zero, dtype) = self.rng, point
        weights = self.constant(rng.integers(-7, 8, (size, units)), np.int8)
        channels = (units,) if rng.random() < 0.5 else ()
        out = (float(self.scale()) * 8, self.zero(dtype), dtype)
        codes = self.add(
            'QLinearMatMul', codes, self.constant(scale), self.constant(zero, dtype), weights,
            self.constant(self.scale(channels)), self.constant(np.zeros(channels), np.int8),
            self.constant(out[0]), self.constant(out[1], dtype),
        )  # fmt: skip
        return codes, out

    def convolution(self, codes: str, point: tuple, channels: int, filters: int) -> tuple[str, tuple]:
        rng, (scale, zero, dtype) = self.rng, point
        weights = self.constant(rng.integers(-7, 8, (filters, channels, 2, 2)), np.int8)
        each = (filters,) if rng.random() < 0.5 else ()
        out = (float(self.scale()) * 8, self.zero(dtype), dtype)
        bias = [self.constant(rng.integers(-99, 100, filters), np.int32)] if rng.random() < 0.5 else []
        pads = [int(p) for p in rng.integers(0, 2, 4)]
        codes = self.add(
            'QLinearConv', codes, self.constant(scale), self.constant(zero, dtype), weights,
            self.constant(self.scale(each)), self.constant(np.zeros(each), np.int8),
            self.constant(out[0]), self.constant(out[1], dtype), *bias, pads=pads,
        )  # fmt: skip
        return codes, out, (filters, 2 + pads[0] + pads[2], 2 + pads[1] + pads[3])

    def quantized(self) -> tuple[str, tuple]:
        dtype = np.uint8 if self.rng.random() < 0.5 else np.int8
        zero = 128 if dtype == np.uint8 else 0
        scale = float(2.0 ** self.rng.integers(-3, 0))
        return self.add('QuantizeLinear', 'x', self.constant(scale), self.constant(zero, dtype)), (scale, zero, dtype)

    def ending(self, codes: str, point: tuple, size: int) -> tuple[str, int]:
        """Codes to numbers: an inverse with a dyadic scale, or an integer product and Trunc."""
        rng, (_, zero, dtype) = self.rng, point
        if rng.random() < 0.5:
            return self.add('DequantizeLinear', codes, self.constant(0.25), self.constant(zero, dtype)), size
        weights = self.constant(rng.integers(-7, 8, (size, 3)), np.int8)
        sums = self.add('MatMulInteger', codes, weights, self.constant(zero, dtype))
        numbers = self.add('Cast', sums, to=TensorProto.FLOAT)
        low = int(rng.integers(0, 5))
        parameters = [self.constant(v) for v in (1.0, 0.0, 20, 2.0**low, int(rng.integers(4, 9)))]
        rounding = str(rng.choice(['FLOOR', 'ROUND', 'HALF_UP', 'CEIL']))
        options = {'signed': int(rng.random() < 0.7), 'narrow': int(rng.random() < 0.3), 'rounding_mode': rounding}
        return self.add('Trunc', numbers, *parameters, domain='qonnx.custom_op.general', **options), 3

    def shapes(self, value: str, size: int) -> tuple[str, int]:
        """What exporters leave: slices, padding, and arithmetic of shapes."""
        draw = self.rng.integers(0, 4)
        if draw == 0 and size > 2:
            ends = [self.constant(v, np.int64) for v in ([1], [size], [1], [2])]
            return self.add('Slice', value, *ends), size // 2
        if draw == 1:
            widths = self.constant([0, 1, 0, 2], np.int64)
            return self.add('Pad', value, widths, self.constant(0.0)), size + 3
        if draw == 2:
            shape = self.add('Shape', value)
            last = self.add('Slice', shape, *(self.constant(v, np.int64) for v in ([1], [2], [0])))
            total = self.add('ReduceProd', last, keepdims=1)
            target = self.add('Concat', self.constant([-1], np.int64), total, axis=0)
            return self.add('Reshape', value, target), size
        return value, size

    def build(self) -> tuple[str, int, tuple[int, ...]]:
        rng = self.rng
        codes, point = self.quantized()
        if rng.random() < 0.5:
            shape = (int(rng.integers(1, 3)), 3, 3)
            codes, point, shape_out = self.convolution(codes, point, shape[0], 2)
            size = int(np.prod(shape_out))
            codes = self.add('Flatten', codes)
        else:
            size = int(rng.integers(2, 6))
            shape = (size,)
        if rng.random() < 0.6:
            codes, point = self.product(codes, point, size, 3)
            size = 3
        value, size = self.ending(codes, point, size)
        value, size = self.shapes(value, size)
        return value, size, shape


if __name__ == '__main__':
    write_models(RandomIntegers, 'integers', samples=24, reach=512)
