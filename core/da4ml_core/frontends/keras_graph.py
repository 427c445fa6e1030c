"""How the layers of a saved Keras model are connected: Functional, Sequential, and models within models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from da4ml_core.errors import Location, UnsupportedLayer
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import WeightStore
from da4ml_core.frontends.keras_handlers import (
    MERGES,
    MODEL_CLASSES,
    REFUSED,
    is_input,
    is_known,
    is_model,
    known_names,
)
from da4ml_core.frontends.keras_names import layer_groups
from da4ml_core.frontends.saved_layer import SavedLayer, nearest_first

NUM_NAMED = 12  # of the supported layers in an error
MAX_DEPTH = 16  # of models within models

NodeKey = tuple[str, int]  # a layer, and which of its calls
TensorKey = tuple[str, int, int]  # and which of the outputs of that call


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a layer: the tensors that it reads, as serialized too, and the graph of a layer that is a model."""

    key: NodeKey
    layer: SavedLayer
    sources: tuple[TensorKey, ...]
    call: JsonView | None = None
    model: ModelGraph | None = None


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """The calls of a model in an order in which each comes after its sources."""

    inputs: tuple[TensorKey, ...]
    outputs: tuple[TensorKey, ...]
    nodes: tuple[Node, ...]
    is_functional: bool = True


def read_graph(
    model: JsonView,
    weights: WeightStore,
    known: Callable[[SavedLayer], bool] = is_known,
    names: Sequence[str] | None = None,
) -> ModelGraph:
    """The layers and how they are connected; every class is checked before any is read.

    ``known`` says which layers the caller reads, and ``names`` are their classes.
    """
    _check_classes(all_layers(model, weights), known, known_names() if names is None else names)
    return _read(model, weights, '')


def all_layers(model: JsonView, weights: WeightStore, group: str = '', depth: int = 0) -> list[SavedLayer]:
    """Every layer, those of inner models behind the model that holds them."""
    class_name = model['class_name'].text()
    if class_name not in MODEL_CLASSES:
        raise UnsupportedLayer(
            f'a model of the class {class_name!r} is not supported',
            location=Location(model.file),
            hint=f'supported: {", ".join(MODEL_CLASSES)} models; a subclassed model keeps its graph in Python code',
        )
    if depth > MAX_DEPTH:
        raise model.error(f'models lie within models {depth} deep')
    found = []
    for layer in _layers(model, weights, group):
        found.append(layer)
        if is_model(layer):
            found += all_layers(layer.serialized, weights, layer.group, depth + 1)
    return found


def _layers(model: JsonView, weights: WeightStore, group: str) -> list[SavedLayer]:
    serialized = list(model['config']['layers'])
    groups = layer_groups(serialized, f'{group}/layers' if group else 'layers', weights)
    return [SavedLayer(view, place, weights) for view, place in zip(serialized, groups, strict=True)]


def _read(model: JsonView, weights: WeightStore, group: str) -> ModelGraph:
    layers = _layers(model, weights, group)
    inner = {layer.name: _read(layer.serialized, weights, layer.group) for layer in layers if is_model(layer)}
    sequential = model['class_name'].text() == 'Sequential'
    return _sequential(model, layers, inner) if sequential else _functional(model, layers, inner)


def why_unknown(layer: SavedLayer, names: Sequence[str]) -> str:
    """Why a layer of this class is not read, or the names that look most like it among those that are."""
    reason = REFUSED.get(layer.class_name, '')
    return reason or f'supported: {", ".join(nearest_first(layer.class_name, names)[:NUM_NAMED])}'


def _check_classes(layers: list[SavedLayer], known: Callable[[SavedLayer], bool], names: Sequence[str]) -> None:
    """Raise one UnsupportedLayer that names every layer of an unknown class."""
    unknown = [layer for layer in layers if not known(layer)]
    if not unknown:
        return
    first = unknown[0]
    shown = first.class_name if first.package in ('keras', 'hgq') else f'{first.package}.{first.class_name}'
    raise UnsupportedLayer(
        f'layer {first.name!r} is a {shown}, which is not supported',
        location=Location(first.serialized.file),
        context=first.context,
        notes=[f'neither is layer {layer.name!r} ({layer.class_name})' for layer in unknown[1:]],
        hint=why_unknown(first, names),
    )


def _sequential(model: JsonView, layers: list[SavedLayer], inner: dict[str, ModelGraph]) -> ModelGraph:
    if not layers or not is_input(layers[0]):
        raise model.error('the Sequential model was saved before it knew its input shape', hint='build it first')
    nodes: list[Node] = []
    for index, layer in enumerate(layers):
        sources = ((*nodes[-1].key, 0),) if nodes else ()
        nodes.append(Node((layer.name, index), layer, sources, None, inner.get(layer.name)))
    return ModelGraph(((*nodes[0].key, 0),), ((*nodes[-1].key, 0),), tuple(nodes), is_functional=False)


def _functional(model: JsonView, layers: list[SavedLayer], inner: dict[str, ModelGraph]) -> ModelGraph:
    waiting: list[Node] = []
    for layer in layers:
        if is_input(layer):
            waiting.append(Node((layer.name, 0), layer, ()))
            continue
        for index, call in enumerate(layer.serialized['inbound_nodes']):
            waiting.append(Node((layer.name, index), layer, _sources(layer, call), call, inner.get(layer.name)))
    known = {node.key for node in waiting}
    if len(known) != len(waiting):
        raise model.error('two layers of the model have the same name')
    for node in waiting:
        for source in node.sources:
            if source[:2] not in known:
                raise node.layer.corrupt(
                    f'its input is call {source[1]} of {source[0]!r}, which the model does not have'
                )

    inputs = tuple(tensor_keys(model['config']['input_layers']))
    # outputs count the calls of an inner Functional model from one: Keras gives it a call of its own
    outputs = tuple(
        (name, call - (name in inner and inner[name].is_functional), place)
        for name, call, place in tensor_keys(model['config']['output_layers'])
    )
    is_fed = {node.key: is_input(node.layer) for node in waiting}
    for key in inputs + outputs:
        if key[:2] not in known or (key in inputs and not is_fed[key[:2]]):
            raise model.error(f'the model has no {"input" if key in inputs else "layer"} {key[0]!r}')
    return ModelGraph(inputs, outputs, _sorted_nodes(model, waiting, {key[:2] for key in inputs}))


def _sorted_nodes(model: JsonView, waiting: list[Node], inputs: set[NodeKey]) -> tuple[Node, ...]:
    """A topological order that keeps to the file's where it can; raises CorruptModel for a cycle."""
    done: set[NodeKey] = set()
    order: list[Node] = []
    waiting = [node for node in waiting if node.sources or node.key in inputs]
    while waiting:
        later: list[Node] = []
        for node in waiting:
            if done.issuperset(source[:2] for source in node.sources):
                done.add(node.key)
                order.append(node)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise model.error(f'the layers {", ".join(repr(node.key[0]) for node in later)} wait for each other')
        waiting = later
    return tuple(order)


def _sources(layer: SavedLayer, call: JsonView) -> tuple[TensorKey, ...]:
    """The tensors that are the arguments of this call."""
    if not call.is_object:
        raise layer.unsupported('a model file of Keras 2', ['model files of Keras 3'])
    tensors = [history for argument in call['args'] for history in _histories(argument)]
    named = [history for argument in call['kwargs'].members().values() for history in _histories(argument)]
    several = (layer.package, layer.class_name) in MERGES or is_model(layer) or layer.package == 'keras.ops'
    several = several or not is_known(layer)  # it is refused by its class, or only shown
    if named or not tensors or (len(tensors) != 1 and not several):
        raise layer.unsupported(f'a call with {len(tensors) + len(named)} tensors', ['a call with one tensor'])
    return tuple(tensor_key(history) for history in tensors)


def _histories(argument: JsonView) -> Iterator[JsonView]:
    """The ``keras_history`` of each tensor in an argument; nested lists are walked without recursion."""
    pending = [argument]
    while pending:
        view = pending.pop()
        if view.is_list:
            pending.extend(reversed(list(view)))
        elif view.is_object and view.value.get('class_name') == '__keras_tensor__':
            yield view['config']['keras_history']


def tensor_keys(view: JsonView) -> list[TensorKey]:
    """``[name, call, tensor]``, or a list of such."""
    entries = list(view)
    return [tensor_key(view)] if entries and not entries[0].is_list else [tensor_key(entry) for entry in entries]


def tensor_key(view: JsonView) -> TensorKey:
    parts = list(view)
    if len(parts) != 3 or parts[2].integer() < 0:
        raise view.error(f'{view.key} must name a layer, one of its calls, and one of its outputs')
    return parts[0].text(), parts[1].integer(), parts[2].integer()
