"""Random Brevitas modules against themselves: `random_brevitas.py SEED COUNT` prints counts in JSON."""

import json
import sys
import warnings
from collections import Counter
from itertools import pairwise
from typing import Any

import brevitas.nn as qnn
import brevitas.quant as q
import numpy as np
import torch

from da4ml_core import load_model
from da4ml_core.errors import FrontendError
from da4ml_core.trace import SolverOptions

FAST = SolverOptions(effort='fast')
SAMPLES = 64
WEIGHTS = (q.Int8WeightPerTensorFixedPoint, q.Int8WeightPerChannelFixedPointMSE)
FLOAT_SCALE = (q.Int8ActPerTensorFloat, q.Uint8ActPerTensorFloat)
FIXED_SCALE = (q.Int8ActPerTensorFixedPoint, q.Uint8ActPerTensorFixedPoint)
ROUNDINGS = ('ROUND', 'FLOOR', 'ROUND_TO_ZERO', 'CEIL')


class Maker:
    """Layers with random quantizers; ``used`` counts what they are of."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.used = rng, Counter[str]()

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def note(self, layer: Any) -> Any:
        self.used[type(layer).__name__] += 1
        return layer

    def quantizer(self, signed: bool, float_scale: bool) -> dict[str, Any]:
        kinds = FLOAT_SCALE if float_scale else FIXED_SCALE
        self.used['scale not 2**n' if float_scale else 'scale 2**n'] += 1
        rounding = ROUNDINGS[self.rng.integers(4)] if self.chance(0.3) else 'ROUND'
        self.used[rounding] += 1
        return {
            'act_quant': kinds[0 if signed else 1],
            'bit_width': int(self.rng.integers(2, 6)),
            'float_to_int_impl_type': rounding,
        }

    def weights(self) -> dict[str, Any]:
        bias = self.chance(0.7)
        return {
            'bias': bias,
            'weight_quant': WEIGHTS[self.rng.integers(2)],
            'weight_bit_width': int(self.rng.integers(2, 6)),
            'bias_quant': q.Int8Bias if bias and self.chance(0.6) else None,
        }

    def act(self, again: bool) -> list[Any]:
        """A quantizer between products; the next product needs a scale of 2**n, so another follows any other."""
        layers: list[Any] = []
        other = self.chance(0.3)
        kind = self.rng.integers(3)
        if kind == 0:
            layers.append(qnn.QuantReLU(**self.quantizer(False, other), return_quant_tensor=not other))
        elif kind == 1:
            options = self.quantizer(True, False)
            other = False
            options |= {'max_val': 2.0, 'min_val': -2.0}
            layers.append(qnn.QuantHardTanh(**options, return_quant_tensor=True))
        else:
            layers.append(qnn.QuantIdentity(**self.quantizer(True, other), return_quant_tensor=not other))
        if other and again:
            layers.append(qnn.QuantIdentity(**self.quantizer(True, False), return_quant_tensor=True))
        return [self.note(layer) for layer in layers]

    def mlp(self) -> tuple[torch.nn.Module, tuple[int, ...]]:
        sizes = [int(size) for size in self.rng.integers(3, 12, size=int(self.rng.integers(2, 5)))]
        layers: list[Any] = [qnn.QuantIdentity(**self.quantizer(True, False), return_quant_tensor=True)]
        for place, (inputs, outputs) in enumerate(pairwise(sizes)):
            layers.append(self.note(qnn.QuantLinear(inputs, outputs, **self.weights())))
            if self.chance(0.4):
                layers.append(self.note(torch.nn.BatchNorm1d(outputs)))
            layers += self.act(again=place < len(sizes) - 2)
        return torch.nn.Sequential(*layers), (sizes[0],)

    def cnn(self) -> tuple[torch.nn.Module, tuple[int, ...]]:
        flat = self.chance(0.4)
        rank, side, channels = 1 if flat else 2, int(self.rng.integers(6, 10)), int(self.rng.integers(1, 4))
        shape = (channels, *[side] * rank)
        convolution = qnn.QuantConv1d if flat else qnn.QuantConv2d
        filters = channels * int(self.rng.integers(1, 3))
        options = {
            'padding': int(self.rng.integers(0, 2)),
            'stride': int(self.rng.integers(1, 3)),
            'groups': channels if self.chance(0.3) else 1,
        }
        layers: list[Any] = [qnn.QuantIdentity(**self.quantizer(True, False), return_quant_tensor=True)]
        layers.append(self.note(convolution(channels, filters, 3, **options, **self.weights())))
        if self.chance(0.5):
            layers.append(self.note((torch.nn.BatchNorm1d if flat else torch.nn.BatchNorm2d)(filters)))
        layers += self.act(again=True)
        pooling = self.rng.integers(3)
        if pooling == 1:
            layers.append(self.note((torch.nn.MaxPool1d if flat else torch.nn.MaxPool2d)(2)))
        elif pooling == 2:
            layers.append(self.note((torch.nn.AvgPool1d if flat else torch.nn.AvgPool2d)(2)))
            layers.append(qnn.QuantIdentity(**self.quantizer(True, False), return_quant_tensor=True))
        layers.append(self.note(torch.nn.Flatten()))
        size = torch.nn.Sequential(*layers).eval()(torch.zeros(1, *shape))
        width = (size.value if hasattr(size, 'value') else size).shape[1]
        layers.append(self.note(qnn.QuantLinear(width, 3, **self.weights())))
        layers += self.act(again=False)
        return torch.nn.Sequential(*layers), shape


class Residual(torch.nn.Module):
    """A sum of two branches, and shapes by method calls."""

    def __init__(self, maker: Maker, width: int) -> None:
        super().__init__()
        self.first = qnn.QuantIdentity(**maker.quantizer(True, False), return_quant_tensor=True)
        self.linear = qnn.QuantLinear(width, width, **maker.weights())
        self.relu = qnn.QuantReLU(**maker.quantizer(False, False))
        self.sum = maker.note(qnn.QuantEltwiseAdd(q.Int8ActPerTensorFixedPoint, q.Int8ActPerTensorFixedPoint))

    def forward(self, x: Any) -> Any:
        x = self.first(x)
        return self.sum(self.relu(self.linear(x)), x)


def trained(module: torch.nn.Module, shape: tuple[int, ...]) -> torch.nn.Module:
    """After some batches, from which scales and statistics come."""
    module.train()
    for _ in range(3):
        module(torch.randn(16, *shape))
    return module.eval()


def main(seed: int, count: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    maker, refused, values, wrong = Maker(rng), Counter[str](), 0, []
    for index in range(count):
        kind = index % 5
        if kind == 4:
            width = int(rng.integers(3, 8))
            made: tuple[torch.nn.Module, tuple[int, ...]] = Residual(maker, width), (width,)
        else:
            made = maker.cnn() if kind % 2 else maker.mlp()
        module, shape = trained(*made), made[1]
        x = torch.randn(SAMPLES, *shape) * 2
        with torch.no_grad():
            result = module(x)
        expected = (result.value if hasattr(result, 'value') else result).numpy().astype(np.float64)
        try:
            with warnings.catch_warnings(record=True) as notes:
                warnings.simplefilter('always')
                program = load_model(module, FAST, input_shape=shape)
        except FrontendError as error:
            refused[error.message] += 1
            continue
        got = np.asarray(program.predict(x.numpy())).reshape(expected.shape)
        if any('dropped' in str(note.message) for note in notes):  # a scale that is no power of two, at the end
            ratio = expected[got != 0] / got[got != 0]
            maker.used['scale left out at the end'] += 1
            if np.ptp(ratio) > 1e-6 * np.abs(ratio).max(initial=0) or expected[got == 0].any():
                wrong.append(index)
        elif (got != expected).any():
            wrong.append(index)
        values += expected.size
    return {
        'models': count,
        'values': values,
        'wrong': wrong,
        'refused': dict(refused),
        'used': dict(sorted(maker.used.items())),
    }


if __name__ == '__main__':
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
