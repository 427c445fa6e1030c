"""Programs that torch.export saved (.pt2): a zip of a graph in JSON and raw weights, read without torch or pickle."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import CorruptModel, Location
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.onnx_model import OnnxGraph
from da4ml_core.frontends.pytorch.graph import Call, Tensor, TorchGraph
from da4ml_core.frontends.pytorch.operations import convert
from da4ml_core.frontends.zip_archive import open_zip, read_member

Array = NDArray[Any]

GRAPH, WEIGHTS, CONSTANTS = 'models/model.json', 'data/weights/', 'data/constants/'
MAX_GRAPH_BYTES = 64 << 20
MAX_ARRAY_BYTES = 1 << 28
MAX_ALL_BYTES = 1 << 30
ELEMENT_TYPES = {1: '<u1', 2: '<i1', 3: '<i2', 4: '<i4', 5: '<i8', 7: '<f4', 8: '<f8', 12: '?'}  # of torch's schema


def read_pt2(source: Path | IO[bytes], name: str = '') -> OnnxGraph:
    """The graph of a saved program; raises FrontendError, UnsupportedLayer or CorruptModel."""
    file = name or str(source)
    with open_zip(source, '.pt2', file) as archive:
        return _Reader(archive, file).read()


class _Reader:
    """One archive; only members with the names that torch.export writes are touched, and no pickle."""

    def __init__(self, archive: zipfile.ZipFile, file: str) -> None:
        self.archive, self.file = archive, file
        found = [info.filename for info in archive.infolist() if info.filename.endswith(f'/{GRAPH}')]
        if len(found) != 1:
            raise CorruptModel(
                f'the archive has {len(found)} graphs, members {GRAPH}',
                location=Location(file),
                hint='one that torch.export.save of torch 2.9 or newer wrote has one',
            )
        self.root = found[0].removesuffix(GRAPH)
        self.left = MAX_ALL_BYTES

    def member(self, name: str, limit: int) -> bytes:
        return read_member(self.archive, self.root + name, limit, self.file)

    def json(self, name: str) -> JsonView:
        try:
            return JsonView(json.loads(self.member(name, MAX_GRAPH_BYTES)), name, self.file)
        except (ValueError, RecursionError) as error:
            raise CorruptModel(f'{name} is no JSON: {error}', location=Location(self.file)) from None

    def read(self) -> OnnxGraph:
        program = self.json(GRAPH)['graph_module']
        body, signature = program['graph'], program['signature']
        kept = {**self.arrays(WEIGHTS, 'model_weights'), **self.arrays(CONSTANTS, 'model_constants')}
        graph = TorchGraph(self.file, Path(self.file).stem or 'program')
        values: dict[str, Any] = {}
        for spec in signature['input_specs']:
            (kind, view) = next(iter(spec.members().items()))
            if kind == 'user_input':
                name = view['arg']['as_tensor']['name'].text()
                values[name] = graph.input(name, self.sizes(body['tensor_values'][name]))
                continue
            label = {'parameter': 'parameter_name', 'buffer': 'buffer_name', 'tensor_constant': 'tensor_constant_name'}
            if kind not in label:
                raise CorruptModel(f'an input of the kind {kind} is not supported', location=Location(self.file))
            stored = view[label[kind]].text()
            if stored not in kept:
                raise CorruptModel(f'the archive has no weights {stored!r}', location=Location(self.file))
            values[view['arg']['name'].text()] = kept[stored]
        for node in body['nodes']:
            self.call(node, values, graph)
        outputs = []
        for spec in signature['output_specs']:
            (kind, view) = next(iter(spec.members().items()))
            result = values.get(view['arg']['as_tensor']['name'].text()) if kind == 'user_output' else None
            if not isinstance(result, Tensor):
                raise CorruptModel(f'an output of the kind {kind} is nothing computed', location=Location(self.file))
            outputs.append(result)
        return graph.finish(outputs)

    def sizes(self, tensor: JsonView) -> list[int]:
        """The fixed sizes behind the batch."""
        sizes = list(tensor['sizes'])[1:]
        found = [size.find('as_int') for size in sizes]
        fixed = [size.integer() for size in found if size is not None]
        if len(fixed) != len(sizes) or min(fixed, default=0) < 1:
            raise CorruptModel(
                'an input has sizes that are not fixed, or no axis behind the batch', location=Location(self.file)
            )
        return fixed

    def call(self, node: JsonView, values: dict[str, Any], graph: TorchGraph) -> None:
        target = node['target'].text()
        outputs = list(node['outputs'])
        parts = target.split('.')
        layer = self.layer(node) or target
        if parts[:3] != ['torch', 'ops', 'aten'] or len(parts) < 4 or len(outputs) != 1:
            raise Call(self.file, layer, target, {}).node.unsupported(f'the operation {target} is not supported')
        name = outputs[0].find('as_tensor')
        if target == 'torch.ops.aten.sym_size.int':  # that of the batch, the only one that is not known
            return
        arguments = {view['name'].text(): self.argument(view['arg'], values) for view in node['inputs']}
        operation = parts[3].removesuffix('_')
        if name is None:
            raise Call(self.file, layer, target, {}).node.unsupported('a result that is no tensor is not supported')
        values[name['name'].text()] = convert(Call(self.file, layer, operation, arguments), graph)

    def layer(self, node: JsonView) -> str:
        """The path of the module that the call is in, and the name of the call."""
        metadata = node.find('metadata')
        stack = None if metadata is None else metadata.find('nn_module_stack')
        path = '' if stack is None else stack.text().rsplit(';', 1)[-1].split(',')[1:2]
        own = node.find('name')
        return '/'.join(part for part in (*path, '' if own is None else own.text()) if part)

    def argument(self, view: JsonView, values: dict[str, Any]) -> Any:
        (kind, value) = next(iter(view.members().items()), ('as_none', view))
        if kind == 'as_none':
            return None
        if kind == 'as_tensor':
            return self.value(value, values)
        if kind == 'as_tensors':
            return [self.value(item, values) for item in value]
        if kind in ('as_ints', 'as_floats', 'as_bools'):
            return [item.value for item in value]
        if kind in ('as_sym_int', 'as_sym_ints'):
            sizes = [item.value.get('as_int', 1) for item in (value if kind == 'as_sym_ints' else [value])]
            return sizes if kind == 'as_sym_ints' else sizes[0]
        return value.value

    def value(self, view: JsonView, values: dict[str, Any]) -> Any:
        name = view['name'].text()
        if name not in values:
            raise CorruptModel(f'tensor {name!r} is made by no node before its use', location=Location(self.file))
        return values[name]

    def arrays(self, folder: str, name: str) -> dict[str, Array]:
        config = self.json(f'{folder}{name}_config.json')['config'].members()
        return {key: self.array(folder, key, view) for key, view in config.items()}

    def array(self, folder: str, key: str, view: JsonView) -> Array:
        """Numbers of a raw member; torch's pickles are refused."""
        path, meta = view['path_name'].text(), view['tensor_meta']
        if view['use_pickle'].value is not False:
            raise CorruptModel(f'{key!r} is a pickle, which is never executed', location=Location(self.file))
        if '/' in path or '\\' in path:
            raise CorruptModel(f'{key!r} has the strange path {path!r}', location=Location(self.file))
        kind = meta['dtype'].integer()
        if kind not in ELEMENT_TYPES:
            raise CorruptModel(f'{key!r} has the element type {kind}, not supported', location=Location(self.file))
        shape, strides = (self.integers(meta[what]) for what in ('sizes', 'strides'))
        offset = meta['storage_offset']['as_int'].integer()
        data = self.member(folder + path, min(MAX_ARRAY_BYTES, self.left))
        self.left -= len(data)
        itemsize = np.dtype(ELEMENT_TYPES[kind]).itemsize
        flat = np.frombuffer(data, ELEMENT_TYPES[kind], len(data) // itemsize)
        reach = offset + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        if min([*shape, 1]) < 1 or min([offset, *strides]) < 0 or reach >= flat.size or math.prod(shape) > flat.size:
            raise CorruptModel(
                f'{key!r} has {flat.size} numbers, which its shape {shape} does not', location=Location(self.file)
            )
        steps = [step * flat.itemsize for step in strides]
        array: Array = np.lib.stride_tricks.as_strided(flat[offset:], shape, steps).copy()
        if array.dtype.kind == 'f' and not np.isfinite(array).all():
            raise CorruptModel(f'{key!r} holds numbers that are not finite', location=Location(self.file))
        return array

    def integers(self, view: JsonView) -> Sequence[int]:
        return [item['as_int'].integer() for item in view]
