"""What random ONNX models have in common, and the recording of what qonnx computes; needs the package qonnx."""

import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes


class RandomGraph(ABC):
    """Nodes and constants in the order of random draws."""

    opset, qonnx_opset = 13, 1

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.used: list[str] = []

    @abstractmethod
    def build(self) -> tuple[str, int, tuple[int, ...]]:
        """Draw a model: the name of its output, how many units it has, and the shape of the input."""

    def constant(self, value, dtype=np.float32) -> str:
        name = f'c{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, op_type: str, *inputs: str, domain: str = '', **attributes) -> str:
        output = f't{len(self.nodes)}'
        self.used.append(op_type)
        name = f'{op_type}_{len(self.nodes)}'
        self.nodes.append(helper.make_node(op_type, inputs, [output], name, domain=domain, **attributes))
        return output

    def model(self, name: str, batch: int, shape: tuple[int, ...], output: str, units: int) -> onnx.ModelProto:
        x = helper.make_tensor_value_info('x', TensorProto.FLOAT, [batch, *shape])
        y = helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, units])
        graph = helper.make_graph(self.nodes, name, [x], [y], self.constants)
        imports = [
            helper.make_opsetid('', self.opset),
            helper.make_opsetid('qonnx.custom_op.general', self.qonnx_opset),
        ]
        return helper.make_model(graph, opset_imports=imports, ir_version=8)


def write_models(kind: type[RandomGraph], prefix: str, samples: int, reach: int) -> None:
    """COUNT models of a seed into a folder, with inputs of up to ``reach`` / 64 and outputs: FOLDER SEED COUNT."""
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        drawn = kind(rng)
        output, units, shape = drawn.build()
        name = f'{prefix}_{index:03d}'
        x = (rng.integers(-reach, reach, (samples, *shape)) / 64).astype(np.float32)
        wrapped = ModelWrapper(drawn.model(name, samples, shape, output, units)).transform(InferShapes())
        y = execute_onnx(wrapped, {'x': x})[output]
        onnx.save(drawn.model(name, 1, shape, output, units), folder / f'{name}.onnx')
        np.savez_compressed(folder / f'{name}.npz', x=x, y=y)
        (folder / f'{name}.json').write_text(json.dumps(drawn.used))
