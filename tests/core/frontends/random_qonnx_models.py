"""Random QONNX models and what qonnx computes with them (FOLDER SEED COUNT), for an interpreter that has qonnx."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

NUM_SAMPLES = 64
ROUNDINGS = ['ROUND', 'FLOOR', 'CEIL', 'DOWN', 'UP', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN']


class RandomModel:
    """A chain of products, each behind a quantizer whose scale is a power of two, with float arithmetic between."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last = 'x'
        self.used: list[str] = []

    def constant(self, value) -> str:
        name = f'c{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=np.float32), name))
        return name

    def add(self, op_type: str, *inputs: str, domain: str = '', **attributes) -> str:
        output = f't{len(self.nodes)}'
        self.used.append(op_type)
        self.nodes.append(
            helper.make_node(op_type, inputs, [output], f'{op_type}_{len(self.nodes)}', domain=domain, **attributes)
        )
        return output

    def quant(self, source: str, size: int, *, dyadic: bool, bits: int | None = None) -> str:
        rng = self.rng
        shape = (size,) if size > 1 and dyadic and rng.random() < 0.3 else ()
        scale = 2.0 ** rng.integers(-4, 1, shape) if dyadic else rng.uniform(0.05, 1.5, shape)
        bits = bits or int(rng.integers(1, 6))
        signed = int(rng.random() < 0.6)
        narrow = int(rng.random() < 0.4 and (bits > 1 or signed))
        zero = float(rng.integers(-2, 3)) if rng.random() < 0.2 else 0.0
        rounding = str(rng.choice(ROUNDINGS)) if rng.random() < 0.7 else 'ROUND'
        parameters = [self.constant(scale), self.constant(zero), self.constant(bits)]
        options = {'signed': signed, 'narrow': narrow, 'rounding_mode': rounding}
        return self.add('Quant', source, *parameters, domain='qonnx.custom_op.general', **options)

    def weights(self, shape: tuple[int, ...]) -> str:
        scale, bits = self.constant(2.0 ** self.rng.integers(-3, 1)), self.constant(self.rng.integers(2, 6))
        numbers = self.constant(self.rng.normal(0, 1.5, shape))
        options = {'signed': 1, 'narrow': 1, 'rounding_mode': 'ROUND'}
        return self.add('Quant', numbers, scale, self.constant(0), bits, domain='qonnx.custom_op.general', **options)

    def arithmetic(self, source: str, size: int) -> str:
        """One operation that float32 rounds."""
        rng = self.rng
        draw = rng.integers(0, 8)
        if draw < 3:
            op_type = ('Add', 'Sub', 'Relu')[draw]
            return self.add(op_type, source, *([] if draw == 2 else [self.constant(rng.normal(0, 2, size))]))
        if draw < 5:
            factor = rng.uniform(0.1, 3, size) * rng.choice([-1, 1], size)
            return self.add('Mul' if draw == 3 else 'Div', source, self.constant(factor))
        if draw == 5:
            return self.add('Sub', self.constant(rng.normal(0, 2, size)), source)
        scale, bias, mean = (self.constant(rng.normal(0, 1.5, size)) for _ in range(3))
        return self.add('BatchNormalization', source, scale, bias, mean, self.constant(rng.uniform(0.1, 9, size)))

    def layers(self, inputs: int) -> int:
        rng, size = self.rng, inputs
        value = self.quant('x', size, dyadic=True)
        for _ in range(rng.integers(1, 4)):
            units = int(rng.integers(2, 9))
            if rng.random() < 0.3:
                weights = self.add('Transpose', self.weights((units, size)), perm=[1, 0])
            else:
                weights = self.weights((size, units))
            if rng.random() < 0.3:
                value = self.add('Gemm', value, weights, self.constant(rng.integers(-8, 8, units) / 4))
            else:
                value = self.add('MatMul', value, weights)
            size = units
            for _ in range(rng.integers(0, 4)):
                value = self.arithmetic(value, size)
            draw = rng.random()
            if draw < 0.15:
                scale = self.constant(2.0 ** rng.integers(-2, 2))
                value = self.add('BipolarQuant', value, scale, domain='qonnx.custom_op.general')
            else:
                value = self.quant(value, size, dyadic=True)
            if rng.random() < 0.15:
                joined = [value, value]
                value, size = self.add('Concat', *joined, axis=1), 2 * size
        if rng.random() < 0.5:  # an arbitrary scale behind the last sums, which the reader of the outputs applies
            weights = self.weights((size, 5))
            value, size = self.add('MatMul', value, weights), 5
            value = self.quant(value, size, dyadic=False)
        self.last = value
        return size

    def model(self, name: str, batch: int, inputs: int, outputs: int) -> onnx.ModelProto:
        x = helper.make_tensor_value_info('x', TensorProto.FLOAT, [batch, inputs])
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [batch, outputs])
        graph = helper.make_graph(self.nodes, name, [x], [y], self.constants)
        imports = [helper.make_opsetid('', 11), helper.make_opsetid('qonnx.custom_op.general', 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=8)


def main() -> None:
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        drawn = RandomModel(rng)
        inputs = int(rng.integers(2, 9))
        outputs = drawn.layers(inputs)
        name = f'random_{index:03d}'
        x = (rng.integers(-512, 512, (NUM_SAMPLES, inputs)) / 64).astype(np.float32)
        wrapped = ModelWrapper(drawn.model(name, NUM_SAMPLES, inputs, outputs)).transform(InferShapes())
        y = execute_onnx(wrapped, {'x': x})[drawn.last]
        onnx.save(drawn.model(name, 1, inputs, outputs), folder / f'{name}.onnx')
        np.savez(folder / f'{name}.npz', x=x, y=y)
        (folder / f'{name}.json').write_text(json.dumps(drawn.used))


if __name__ == '__main__':
    main()
