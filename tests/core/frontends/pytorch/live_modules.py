"""Checks of live torch modules, run by an interpreter with torch: prints one line for each that held."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from record_programs import modules, record, trained

from da4ml_core import load_model
from da4ml_core.errors import FrontendError
from da4ml_core.frontends.post_training import Quantization, float_outputs, quantize_model, read_float_model
from da4ml_core.frontends.pytorch.module import read_module
from da4ml_core.interp import predict

FACTORY = """
import torch
from record_programs import modules, trained
import numpy as np

def make():
    module, shape = modules(np.random.default_rng(4), 1)
    return trained(module, shape), shape
"""

QUANTIZED = """
import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFixedPoint, Int8WeightPerTensorFixedPoint, Uint8ActPerTensorFixedPoint

def make():
    torch.manual_seed(5)
    module = torch.nn.Sequential(
        qnn.QuantIdentity(Int8ActPerTensorFixedPoint, bit_width=5),
        qnn.QuantLinear(4, 6, bias=False, weight_quant=Int8WeightPerTensorFixedPoint, weight_bit_width=4),
        qnn.QuantReLU(Uint8ActPerTensorFixedPoint, bit_width=4),
    )
    module(torch.randn(64, 4))
    return module.eval(), (4,)
"""


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f'not so: {what}')
    print(what)


def logits(module: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return np.log(module(x).numpy()) if type(module).__name__ == 'Mlp' else module(x).numpy()


def same(a: np.ndarray, b: np.ndarray, softmax: bool) -> bool:
    """Up to float32, and up to what a softmax forgets."""
    if softmax:
        a, b = a - a[:, :1], b - b[:, :1]
    return bool(np.allclose(a, b, atol=1e-4))


def main() -> None:
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    for index in range(9):
        module, shape = modules(rng, index)
        trained(module, shape)
        x = torch.randn(64, *shape)
        quantized = quantize_model(module, x.numpy(), Quantization(weight_bits=12, activation_bits=14))
        got = float_outputs(quantized.float_graph, x.numpy()).reshape(64, -1)
        softmax = type(module).__name__ == 'Mlp'
        check(same(got, logits(module, x), softmax), f'{index} {type(module).__name__}: the float graph is the module')
        program = np.asarray(predict(quantized.program, x.numpy())).reshape(64, -1)
        exact = quantized.quantized.evaluate(x.numpy().astype(np.float64))[0].reshape(64, -1)
        check(bool(np.array_equal(program, exact)), f'{index} {type(module).__name__}: the program is exact')
        export = torch.export.export(module, (x[:2],))
        try:
            load_model(export)
        except FrontendError as error:
            check('no quantizers' in error.message, f'{index} {type(module).__name__}: a program is known as one')
        check(bool(read_module(export).nodes), f'{index} {type(module).__name__}: a live program is read')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'factory.py'
        path.write_text(FACTORY)
        graph = read_float_model(f'python:{path}:make')
        check([shape[1:] for shape in graph.inputs.values()] == [(8, 8)], 'a factory is read')
        quantized_path = Path(folder) / 'quantized.py'
        quantized_path.write_text(QUANTIZED)
        names: dict = {}
        exec(QUANTIZED, names)
        x = torch.randn(64, 4) * 2
        with torch.no_grad():
            expected = names['make']()[0](x).numpy()
        got = np.asarray(load_model(f'python:{quantized_path}:make').predict(x.numpy()))
        check(bool(np.array_equal(got, expected)) and bool(got.any()), 'a factory of a quantized module is exact')
        torch.save(torch.nn.Linear(2, 2), Path(folder) / 'module.pt')
        try:
            load_model(Path(folder) / 'module.pt')
        except FrontendError as error:
            check('pickles' in error.message, 'a pickle is refused')
    for module, text in (
        (torch.nn.Linear(2, 2), 'training mode'),
        (torch.nn.GRU(2, 2).eval(), 'GRU'),
        (torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding_mode='reflect')).eval(), 'run on zeros|padding_mode'),
        (torch.nn.Linear(2, 2).eval(), 'no quantizers'),
    ):
        try:
            load_model(module, input_shape=(1, 8, 8) if 'Seq' in type(module).__name__ else (2,))
        except FrontendError as error:
            check(any(part in error.message for part in text.split('|')), f'refused: {text}')
        else:
            raise SystemExit(f'accepted: {text}')
    check(len(record(1, 3)) == 9, 'programs are recorded')


if __name__ == '__main__':
    main()
