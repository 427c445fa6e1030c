"""Keras layers that hls4ml does not know, traced by our reader of Keras files when it asks for their logic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from da4ml_core.errors import FrontendError
from da4ml_flow.integrations.hls4ml_products import DEVICE, Kif, quantized_input

if TYPE_CHECKING:
    from da4ml_core.frontends.keras_archive import KerasArchive
    from da4ml_core.ir import Program


class KerasLayer:
    """A layer as a file of one, which becomes a program once the format of its input is known."""

    def __init__(self, class_name: str, archive: KerasArchive) -> None:
        self.class_name, self.archive = class_name, archive

    def program(self, kif: Kif) -> Program:
        """The layer for an input of these formats; raises FrontendError or TraceError."""
        from da4ml_core.frontends.keras_file import trace_graph
        from da4ml_core.frontends.keras_graph import read_graph
        from da4ml_core.trace import SolverOptions, Tracer

        graph = read_graph(self.archive.config, self.archive.weights)
        tracer = Tracer(self.class_name, solver=SolverOptions(device=DEVICE))
        return tracer.finish(trace_graph(graph, [quantized_input(tracer, kif)], tracer))


def replace_fallback() -> None:
    """Serve hls4ml's last resort for layers: after its own handlers, so that nothing that it knows changes."""
    from hls4ml.converters.keras_v3_to_hls import KerasV3HandlerDispatcher

    KerasV3HandlerDispatcher.da_call = describe_layer


def describe_layer(dispatcher: Any, layer: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[Any, ...]:
    """What hls4ml keeps of the layer; raises KeyError, which it expects, for layers that are not ours to make."""
    kind = type(layer).__name__
    if dispatcher.allow_v2_fallback and kind in dispatcher.v2_layer_handlers:
        raise KeyError(kind)
    if len(inputs) != 1 or len(outputs) != 1:
        raise KeyError(f'{kind} has {len(inputs)} inputs and {len(outputs)} outputs, not one of each')
    shapes = [[int(size) for size in tensor.shape[1:]] for tensor in (inputs[0], outputs[0])]
    found = KerasLayer(kind, _archive(layer, shapes[0]))
    try:
        found.program(_probe(shapes[0]))
    except FrontendError as error:
        raise KeyError(f'{kind}: {error.message}') from error
    return (
        {
            'class_name': 'DACombinational',
            'da_comb_logic': found,
            'name': layer.name,
            'input_keras_tensor_names': [inputs[0].name],
            'output_keras_tensor_names': [outputs[0].name],
            'original_type': kind,
            'input_shape': [shapes[0]],
            'output_shape': shapes[1],
        },
    )


def _archive(layer: Any, shape: Sequence[int]) -> KerasArchive:
    """The layer alone in a file; a twin is saved, for a call would change the layer that hls4ml is walking over."""
    import keras

    from da4ml_core.frontends.keras_file import open_model

    twin = type(layer).from_config(layer.get_config())
    source = keras.Input(tuple(shape))
    model = keras.Model(source, twin(source))
    twin.set_weights(layer.get_weights())
    with TemporaryDirectory(prefix='da4ml-layer-') as folder:
        path = Path(folder) / 'layer.keras'
        model.save(path)
        return open_model(path)


def _probe(shape: Sequence[int]) -> Kif:
    """Some format, to see whether the layer can be traced at all."""
    import numpy as np

    size = tuple(shape)
    return np.ones(size), np.full(size, 3), np.full(size, 4)
