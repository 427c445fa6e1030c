"""Saved programs of torch.export and their outputs: `record_programs.py FOLDER SEED COUNT` (needs torch)."""

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Mlp(nn.Module):
    """Products, a normalization, a sum with a branch, and a softmax."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        self.norm, self.last = nn.BatchNorm1d(width), nn.Linear(2 * width, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.relu(self.norm(self.first(x)))
        b = functional.leaky_relu(self.second(a), 0.125)
        return torch.softmax(self.last(torch.cat([a + b, b * 0.5], dim=1)), dim=-1)


class Cnn(nn.Module):
    """Convolutions, pooling of both kinds, and a view by the size of the batch."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding='same')
        self.norm = nn.BatchNorm2d(filters)
        self.depthwise = nn.Conv2d(filters, filters, 3, stride=2, padding=1, groups=filters, bias=False)
        self.last = nn.Linear(filters * 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(functional.relu6(self.norm(self.conv(x))), 2)
        x = functional.avg_pool2d(functional.hardtanh(self.depthwise(x), 0.0, 4.0), 1)
        return self.last(x.view(x.size(0), -1))


class Signal(nn.Module):
    """One-dimensional layers, and a mean over time."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, filters, 3, dilation=2), nn.BatchNorm1d(filters), nn.ReLU(), nn.Dropout(0.5)
        )
        self.last = nn.Linear(filters, 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.layers(x).mean(dim=2)) / 2


def modules(rng: np.random.Generator, index: int) -> tuple[nn.Module, tuple[int, ...]]:
    size, other = int(rng.integers(2, 5)), int(rng.integers(2, 5))
    if index % 3 == 0:
        return Mlp(size, other), (size,)
    if index % 3 == 1:
        return Cnn(size, other), (size, 8, 8)
    return Signal(size, other), (size, 9)


def trained(module: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    module.train()
    for _ in range(3):
        module(torch.randn(32, *shape))
    return module.eval()


def without_traces(image: bytes) -> bytes:
    """The archive without what no reader of weights and operations needs: traces of sources, samples, pickles."""
    small = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(image)) as archive, zipfile.ZipFile(small, 'w', zipfile.ZIP_DEFLATED) as kept:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith('models/model.json'):
                graph = json.loads(data)
                for node in graph['graph_module']['graph']['nodes']:
                    node['metadata'].pop('stack_trace', None)
                data = json.dumps(graph, separators=(',', ':')).encode()
            if '/data/sample_inputs/' not in name:
                kept.writestr(name, data)
    return small.getvalue()


def record(seed: int, count: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for index in range(count):
        module, shape = modules(rng, index)
        trained(module, shape)
        x = torch.randn(16, *shape)
        batch = {'x': {0: torch.export.Dim('batch')}}
        program = torch.export.export(module, (x,), dynamic_shapes=batch)
        image = io.BytesIO()
        torch.export.save(program, image)
        with torch.no_grad():
            y = module(x)
        found |= {
            f'model_{index}': np.frombuffer(without_traces(image.getvalue()), dtype=np.uint8),
            f'x_{index}': x.numpy(),
            f'y_{index}': y.numpy(),
        }
    return found


if __name__ == '__main__':
    np.savez_compressed(Path(sys.argv[1]) / 'recorded_programs.npz', **record(int(sys.argv[2]), int(sys.argv[3])))
