"""Random convolutional QONNX and QDQ models and what qonnx computes (FOLDER SEED COUNT); needs the package qonnx."""

import numpy as np
from random_qonnx_graph import RandomGraph, write_models


class RandomCnn(RandomGraph):
    """Convolutions and pooling between quantizers of one kind: Quant, or pairs of QuantizeLinear and its inverse."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.is_qdq = bool(rng.random() < 0.5)

    def quantized(self, source: str, bits: int = 4, channels: int = 0) -> str:
        rng = self.rng
        if not self.is_qdq:
            scale = 2.0 ** rng.integers(-3, 1)
            parameters = [self.constant(scale), self.constant(0), self.constant(bits)]
            options = {'signed': int(rng.random() < 0.5), 'narrow': 0, 'rounding_mode': 'ROUND'}
            return self.add('Quant', source, *parameters, domain='qonnx.custom_op.general', **options)
        dtype = np.int8 if rng.random() < 0.5 else np.uint8
        shape = (channels,) if channels and rng.random() < 0.3 else ()
        scale = self.constant(2.0 ** rng.integers(-3, 1, shape))
        zero = int(rng.choice([0, 128])) if dtype == np.uint8 else 0
        point = self.constant(np.full(shape, zero), dtype)
        codes = self.add('QuantizeLinear', source, scale, point, axis=1)
        return self.add('DequantizeLinear', codes, scale, point, axis=1)

    def weights(self, shape: tuple[int, ...]) -> str:
        codes = self.rng.integers(-7, 8, shape)
        if self.is_qdq:
            size = shape[0] if len(shape) > 2 else ()
            scale = self.constant(2.0 ** self.rng.integers(-4, -1, size))
            zero = self.constant(np.zeros(size), np.int8)
            return self.add('DequantizeLinear', self.constant(codes, np.int8), scale, zero, axis=0)
        options = {'signed': 1, 'narrow': 1, 'rounding_mode': 'ROUND'}
        parameters = [self.constant(0.25), self.constant(0), self.constant(4)]
        return self.add('Quant', self.constant(codes / 4), *parameters, domain='qonnx.custom_op.general', **options)

    def convolution(self, value: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        rng, rank = self.rng, len(shape) - 1
        groups = int(rng.choice([1, shape[0]])) if rng.random() < 0.3 else 1
        filters = groups * int(rng.integers(1, 4))
        size = [int(s) for s in rng.integers(1, 4, rank)]
        strides = [int(s) for s in rng.integers(1, 3, rank)]
        rates = [int(rng.integers(1, 3)) if s > 1 and rng.random() < 0.3 else 1 for s in size]
        before, behind = ([int(p) for p in rng.integers(0, 3, rank)] for _ in range(2))
        total = [e + a + b for e, a, b in zip(shape[1:], before, behind, strict=True)]
        reach = [(s - 1) * r + 1 for s, r in zip(size, rates, strict=True)]
        if any(t < r for t, r in zip(total, reach, strict=True)):
            return value, shape
        bias = [self.constant(rng.integers(-8, 9, filters) / 4)] if rng.random() < 0.5 else []
        options = {'pads': before + behind, 'strides': strides, 'dilations': rates, 'group': groups}
        weights = self.weights((filters, shape[0] // groups, *size))
        value = self.add('Conv', value, weights, *bias, kernel_shape=size, **options)
        spatial = tuple((t - r) // s + 1 for t, r, s in zip(total, reach, strides, strict=True))
        return value, (filters, *spatial)

    def between(self, value: str, channels: int) -> str:
        rng, draw = self.rng, self.rng.integers(0, 5)
        if draw == 0:
            return self.add('Relu', value)
        if draw == 1:
            return self.add('Clip', value, self.constant(0), self.constant(6))
        if draw == 2 and not self.is_qdq:  # thresholds; of 256 codes there would be too many
            moments = [self.constant(rng.uniform(0.5, 2, channels)) for _ in range(4)]
            return self.add('BatchNormalization', value, *moments)
        return value

    def pooling(self, value: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        rng, rank = self.rng, len(shape) - 1
        if rng.random() < 0.5 or min(shape[1:]) < 2:
            return value, shape
        op_type = str(rng.choice(['MaxPool', 'AveragePool']))
        strides = [int(s) for s in rng.integers(1, 3, rank)]
        value = self.add(op_type, value, kernel_shape=[2] * rank, strides=strides)
        return value, (shape[0], *((e - 2) // s + 1 for e, s in zip(shape[1:], strides, strict=True)))

    def build(self) -> tuple[str, int, tuple[int, ...]]:
        rng = self.rng
        shape = (int(rng.integers(1, 4)), *(int(size) for size in rng.integers(3, 7, rng.integers(1, 3))))
        return (*self.layers(shape), shape)

    def layers(self, shape: tuple[int, ...]) -> tuple[str, int]:
        rng = self.rng
        value = self.quantized('x', channels=shape[0])
        for _ in range(rng.integers(1, 3)):
            value, shape = self.convolution(value, shape)
            value = self.between(value, shape[0])
            value = self.quantized(value, channels=shape[0])
            value, shape = self.pooling(value, shape)
        if rng.random() < 0.3:
            value = self.add('Concat', value, value, axis=1)
            shape = (2 * shape[0], *shape[1:])
        if rng.random() < 0.3:
            value, shape = self.add('GlobalMaxPool', value), (shape[0], *(1 for _ in shape[1:]))
        if rng.random() < 0.3:
            order = [0, *(int(axis) for axis in rng.permutation(len(shape)) + 1)]
            value, shape = self.add('Transpose', value, perm=order), tuple(shape[axis - 1] for axis in order[1:])
        size = int(np.prod(shape))
        if rng.random() < 0.5:  # the shape that exporters compute: x.view(x.shape[0], -1)
            batch = self.add('Gather', self.add('Shape', value), self.constant(0, np.int64), axis=0)
            first = self.add('Unsqueeze', batch, axes=[0]) if self.opset < 13 else batch
            if self.opset >= 13:
                first = self.add('Unsqueeze', batch, self.constant([0], np.int64))
            value = self.add('Reshape', value, self.add('Concat', first, self.constant([-1], np.int64), axis=0))
        else:
            value = self.add('Flatten', value)
        return self.add('MatMul', value, self.weights((size, 3))), 3

    @property
    def opset(self) -> int:  # type: ignore[override]
        return 13 if self.is_qdq else 11


if __name__ == '__main__':
    write_models(RandomCnn, 'cnn', samples=16, reach=256)
