"""Live modules of torch: traced by torch.fx, layer by layer, down to the layers of torch and of Brevitas."""

from __future__ import annotations

import io
import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from da4ml_core.errors import FrontendError, Location, MissingDependency, UnsupportedLayer
from da4ml_core.frontends.onnx_model import OnnxGraph
from da4ml_core.frontends.pytorch.archive import read_pt2
from da4ml_core.frontends.pytorch.brevitas import LAYERS as BREVITAS_LAYERS
from da4ml_core.frontends.pytorch.brevitas import Observed, observe
from da4ml_core.frontends.pytorch.graph import Call, Tensor, TorchGraph
from da4ml_core.frontends.pytorch.operations import PARAMETERS, VARIADIC, convert

LIBRARIES = ('torch.', 'brevitas.')

# class of torch.nn -> operation, and the attributes that are its arguments
_CONVOLUTION = ('weight', 'bias', 'stride', 'padding', 'dilation', 'groups')
_NORMALIZATION = ('running_mean', 'running_var', 'weight', 'bias', 'eps', 'training')
_POOLING = ('kernel_size', 'stride', 'padding', 'ceil_mode')
LAYERS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        'Linear': ('linear', ('weight', 'bias')),
        **{f'Conv{rank}d': (f'conv{rank}d', _CONVOLUTION) for rank in (1, 2, 3)},
        **{f'BatchNorm{rank}d': ('batch_norm', _NORMALIZATION) for rank in (1, 2, 3)},
        **{f'MaxPool{rank}d': (f'max_pool{rank}d', (*_POOLING, 'dilation')) for rank in (1, 2, 3)},
        **{f'AvgPool{rank}d': (f'avg_pool{rank}d', (*_POOLING, 'count_include_pad')) for rank in (1, 2, 3)},
        **{f'AdaptiveAvgPool{rank}d': (f'adaptive_avg_pool{rank}d', ('output_size',)) for rank in (1, 2, 3)},
        **{f'AdaptiveMaxPool{rank}d': (f'adaptive_max_pool{rank}d', ('output_size',)) for rank in (1, 2, 3)},
        'ReLU': ('relu', ()),
        'ReLU6': ('relu6', ()),
        'Hardtanh': ('hardtanh', ('min_val', 'max_val')),
        'LeakyReLU': ('leaky_relu', ('negative_slope',)),
        **{name: (name.lower(), ()) for name in ('Sigmoid', 'Tanh', 'Softplus', 'Softsign')},
        'Softmax': ('softmax', ('dim',)),
        **{name: ('dropout', ()) for name in ('Dropout', 'Dropout1d', 'Dropout2d', 'Dropout3d')},
        'Identity': ('identity', ()),
        'Flatten': ('flatten', ('start_dim', 'end_dim')),
    }
)
# functions and methods whose name is not the operation's
ALIASES = MappingProxyType(
    {
        'truediv': 'div',
        'concat': 'cat',
        'subtract': 'sub',
        'multiply': 'mul',
        'divide': 'div',
        'clip': 'clamp',
        'hardtanh_': 'hardtanh',
    }
)


class _Shape:
    """The sizes of a tensor as a module asks for them: only that of the batch is answered."""


def read_module(module: Any, shapes: Sequence[Any] | None = None) -> OnnxGraph:
    """The graph of a torch.nn.Module, or of a program of torch.export; raises FrontendError.

    ``shapes`` are those of the inputs without the batch, or that of the only one; a program has them itself.
    """
    torch = _import_torch()
    name = type(module).__name__
    if isinstance(module, torch.export.ExportedProgram):
        image = io.BytesIO()
        torch.export.save(module, image)
        image.seek(0)
        return read_pt2(image, name='exported program')
    file = f'module {name}'
    if not isinstance(module, torch.nn.Module):
        raise FrontendError(f'a {name} is no torch.nn.Module', location=Location(file))
    each = [list(shape) for shape in ([shapes] if shapes and isinstance(shapes[0], int) else shapes or [])]
    if not each or not all(shape and min(shape) > 0 for shape in each):
        raise FrontendError(
            'the shape of its input is not known', location=Location(file), hint='say it, without the batch: [1, 8, 8]'
        )
    if module.training:
        raise FrontendError('the module is in training mode', location=Location(file), hint='call eval() first')
    if type(module).__module__.startswith(LIBRARIES) and not isinstance(module, torch.nn.Sequential):
        module = torch.nn.Sequential(module).eval()
    graph = TorchGraph(file, name)
    traced = _trace(module, file)
    observed = observe(module, [torch.zeros(1, *shape) for shape in each], file)
    return _Walk(module, graph, observed, [tuple(shape) for shape in each]).run(traced)


def _import_torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingDependency('PyTorch is not installed', hint='pip install torch') from None
    return torch


def _trace(module: Any, file: str) -> Any:
    import torch.fx

    def is_leaf(layer: Any, path: str) -> bool:
        return type(layer).__module__.startswith(LIBRARIES) and not isinstance(layer, torch.nn.Sequential)

    tracer = torch.fx.Tracer()
    tracer.is_leaf_module = is_leaf
    try:
        return tracer.trace(module)
    except FrontendError:
        raise
    except Exception as error:  # whatever the user's own forward() raises on symbolic tensors
        raise FrontendError(
            f'torch.fx cannot trace the module: {type(error).__name__}: {error}',
            location=Location(file),
            hint='no branches on values; torch.export.export may know how',
        ) from error


class _Walk:
    """Over the nodes of torch.fx, in order."""

    def __init__(self, module: Any, graph: TorchGraph, observed: Observed, shapes: list[tuple[int, ...]]) -> None:
        self.module, self.graph, self.observed, self.shapes = module, graph, observed, shapes
        self.values: dict[Any, Any] = {}
        self.modules = dict(module.named_modules())

    def run(self, traced: Any) -> OnnxGraph:
        left = list(self.shapes)
        for node in traced.nodes:
            if node.op == 'placeholder':
                if not left:
                    raise self.error(f'input {node.target!r} has no shape', f'{len(self.shapes)} shapes were given')
                self.values[node] = self.graph.input(node.target, left.pop(0))
            elif node.op == 'output':
                results = node.args[0] if isinstance(node.args[0], list | tuple) else [node.args[0]]
                outputs = [self.values.get(result) for result in results]
                if left or not all(isinstance(output, Tensor) for output in outputs):
                    raise self.error('its outputs are no tensors that it computes, or it has fewer inputs than shapes')
                return self.graph.finish([output for output in outputs if isinstance(output, Tensor)])
            else:
                self.values[node] = getattr(self, f'_{node.op}')(node)
        raise self.error('it has no output')

    def error(self, message: str, hint: str = '') -> FrontendError:
        return UnsupportedLayer(message, location=Location(self.graph.file), hint=hint)

    def _get_attr(self, node: Any) -> Any:
        return numbers(operator.attrgetter(node.target)(self.module))

    def _call_module(self, node: Any) -> Any:
        layer = self.modules[node.target]
        arguments = [self.value(argument) for argument in node.args]
        arguments += [self.value(argument) for argument in node.kwargs.values()]
        names = [base.__name__ for base in type(layer).__mro__ if base.__module__.startswith(LIBRARIES)]
        for name in names:
            if name in BREVITAS_LAYERS:
                call = Call(self.graph.file, node.target, type(layer).__name__, {'input': arguments[0]})
                return BREVITAS_LAYERS[name](call, layer, arguments, self.graph, self.observed)
            if name in LAYERS and name == names[0]:
                return self.layer(node.target, layer, name, arguments)
        raise Call(self.graph.file, node.target, type(layer).__name__, {}).node.unsupported(
            f'the layer {type(layer).__name__} is not supported',
            hint=f'supported: {", ".join(sorted({*LAYERS, *BREVITAS_LAYERS}))}',
        )

    def layer(self, path: str, layer: Any, name: str, arguments: list[Any]) -> Tensor:
        operation, attributes = LAYERS[name]
        given = {attribute: numbers(getattr(layer, attribute)) for attribute in attributes}
        if getattr(layer, 'padding_mode', 'zeros') != 'zeros':
            raise Call(self.graph.file, path, name, {}).node.unsupported(f'padding_mode {layer.padding_mode!r}')
        first = PARAMETERS.get(operation, ('self',))[0]
        return convert(Call(self.graph.file, path, operation, {first: arguments[0], **given}), self.graph)

    def _call_function(self, node: Any) -> Any:
        if node.target is getattr:
            if self.value(node.args[0]) is None or node.args[1] != 'shape':
                raise self.error(f'the attribute {node.args[1]!r} of a tensor')
            return _Shape()
        if node.target is operator.getitem:
            return self.item(node)
        return self.call(node, node.target.__name__)

    def _call_method(self, node: Any) -> Any:
        if node.target == 'size':
            return self.item(node) if len(node.args) > 1 or node.kwargs else _Shape()
        return self.call(node, node.target)

    def item(self, node: Any) -> Any:
        place = node.args[1] if len(node.args) > 1 else None
        if place != 0 or isinstance(self.value(node.args[0]), Tensor) != (node.op == 'call_method'):
            raise self.error(
                f'{node.name}: an index, or a size that is not that of the batch, is not supported',
                'write sizes as numbers, or as -1',
            )
        return 1

    def call(self, node: Any, name: str) -> Any:
        operation = ALIASES.get(name, name.strip('_'))
        operation = operation.removeprefix('i') if operation in ('iadd', 'isub', 'imul') else operation
        arguments = [self.value(argument) for argument in node.args]
        if operation in VARIADIC:
            rest = arguments[1:]
            shape = rest[0] if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
            given = {'self': arguments[0], VARIADIC[operation]: list(shape)}
        else:
            parameters = PARAMETERS.get(operation, ('self',))
            given = dict(zip(parameters, arguments, strict=False))
        given |= {'dim' if key == 'axis' else key: self.value(value) for key, value in node.kwargs.items()}
        if 'input' in given and 'input' not in PARAMETERS.get(operation, ()):
            given.setdefault('self', given['input'])
        return convert(Call(self.graph.file, node.name, operation, given), self.graph)

    def value(self, argument: Any) -> Any:
        """An argument with the nodes in it replaced by what they made."""
        if isinstance(argument, list | tuple):
            return [self.value(item) for item in argument]
        return self.values[argument] if type(argument).__name__ == 'Node' else numbers(argument)


def numbers(value: Any) -> Any:
    """Arrays of torch as those of numpy; anything else as it is."""
    detach: Callable[[], Any] | None = getattr(value, 'detach', None)
    return np.asarray(detach().cpu().numpy()) if detach is not None else value
