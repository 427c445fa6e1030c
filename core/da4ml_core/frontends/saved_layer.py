"""One layer of a saved Keras model: its options, its variables and quantizers, and errors that say which layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da4ml_core.errors import CorruptModel, Location, UnsupportedLayer
from da4ml_core.frontends.hgq_quantizer import Float32, Quantizer, read_quantizer
from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.keras_archive import WeightStore

Shape = tuple[int, ...]

MAX_SIZE = 1 << 16  # of a window, an upsampling or a repetition
MAX_ELEMENTS = 1 << 24  # of a tensor

FORMER_PACKAGES: Mapping[str, str] = {'hgq2': 'hgq'}  # under which earlier versions registered some layers

QUANTIZER_ROLES: Mapping[str, str] = {
    'iq': 'input quantizer',
    'kq': 'kernel quantizer',
    'bq': 'bias quantizer',
    'oq': 'output quantizer',
    'sq': 'state quantizer',
    'rkq': 'recurrent kernel quantizer',
    'rhq': 'quantizer of the reset state',
    'paq': 'quantizer at the activation',
    'praq': 'quantizer at the gates',
}


@dataclass(frozen=True, slots=True)
class SavedLayer:
    """``serialized`` is the layer's object in config.json, ``group`` its place in the weights file."""

    serialized: JsonView
    group: str
    weights: WeightStore

    @property
    def name(self) -> str:
        return self.options['name'].text()

    @property
    def class_name(self) -> str:
        return self.serialized['class_name'].text().rpartition('>')[2]

    @property
    def package(self) -> str:
        """Who wrote the class: ``hgq``, ``keras``, ``keras.ops``, or the name under which a user registered it."""
        for field in ('registered_name', 'class_name'):
            registered = self.serialized.find(field)
            if registered is not None and '>' in registered.text():
                package = registered.text().partition('>')[0]
                return FORMER_PACKAGES.get(package, package)
        module = self.serialized.find('module')
        if module is None:  # as in HDF5 files; operations, unlike layers, are neither trainable nor inputs
            is_layer = self.class_name == 'InputLayer' or self.options.find('trainable') is not None
            return 'keras' if is_layer else 'keras.ops'
        # functions of Keras become layers of their own in a Functional model
        return 'keras.ops' if module.text().startswith('keras.src.ops.') else module.text().partition('.')[0]

    @property
    def options(self) -> JsonView:
        return self.serialized['config']

    @property
    def title(self) -> str:
        return f'{self.name} ({self.class_name})'

    @property
    def context(self) -> str:
        return f'layer {self.name!r} ({self.class_name})'

    def axis(self, view: JsonView, ndim: int) -> int:
        """An axis that counts the batch, as one of an array of ``ndim`` axes without it."""
        return self.axis_number(view.integer(), ndim)

    def axis_number(self, number: int, ndim: int) -> int:
        """As :meth:`axis`, of a number."""
        axis = number + ndim + 1 if number < 0 else number
        if not 0 <= axis <= ndim:
            raise self.corrupt(f'its axis {number} is none of an array of {ndim + 1} axes')
        if axis == 0:
            raise self.unsupported('an operation along the batch axis', ['other axes'])
        return axis - 1

    def pair(self, option: str, rank: int) -> list[int]:
        """A size for each of ``rank`` axes, from a number or a list."""
        view = self.options[option]
        sizes = [size.integer() for size in view] if view.is_list else [view.integer()] * rank
        if len(sizes) != rank or min(sizes) < 1 or max(sizes) > MAX_SIZE:
            raise self.corrupt(f'its {option} {sizes} is no positive size for each of {rank} axes')
        return sizes

    def flag(self, option: str, default: bool) -> bool:
        view = self.options.find(option)
        return default if view is None else view.flag()

    def unsupported(self, what: str, supported: Sequence[str] = (), *, context: str = '') -> UnsupportedLayer:
        """The error for an option that has no exact meaning here, with the supported ones, nearest first."""
        listed = nearest_first(what, supported)
        return UnsupportedLayer(
            f'{what} is not supported',
            location=Location(self.serialized.file),
            context=context or self.context,
            hint=f'supported: {", ".join(listed)}' if listed else '',
        )

    def corrupt(self, message: str) -> CorruptModel:
        return CorruptModel(message, location=Location(self.serialized.file), context=self.context)

    def check_float32(self) -> None:
        """Raise UnsupportedLayer unless the layer computes in float32."""
        dtype = self.options.find('dtype')
        if dtype is not None and dtype.is_object:
            dtype = dtype['config'].find('name')
        if dtype is not None and dtype.text() != 'float32':
            raise self.unsupported(f'dtype {dtype.text()!r}', ['float32'])

    def variables(self, expected: Mapping[str, Shape]) -> dict[str, Float32]:
        """The layer's own variables under these names, in Keras's order; raises CorruptModel for any that differ."""
        found = self.weights.variables(self.group)
        if not found:
            raise self.corrupt(f'the weights file has no variables for it (expected at {self.group})')
        if len(found) != len(expected):
            raise self.corrupt(
                f'it has {len(found)} saved variables, not the {len(expected)} it needs ({", ".join(expected)})'
            )
        named: dict[str, Float32] = {}
        for (name, shape), array in zip(expected.items(), found, strict=True):
            if array.shape != shape:
                raise self.corrupt(f'its {name} has the shape {array.shape}, not {shape}')
            finite = np.isfinite(array)
            if not finite.all():
                index = [int(i) for i in np.argwhere(~finite)[0]]
                raise self.corrupt(f'its {name} holds {array[tuple(index)]} at {index}')
            named[name] = np.asarray(array, dtype=np.float32)
        return named

    def quantizer(self, role: str, shape: Shape, *, constant: bool) -> Quantizer | None:
        """The quantizer ``iq``, ``kq``, ``bq`` or ``oq``, for an array of this shape; None for a dummy one."""
        config = self.options[f'{role}_conf']
        if config.is_null:
            raise self.corrupt(f'it has no {QUANTIZER_ROLES[role]} (no {role}_conf)')
        return self.read_quantizer(
            config, f'{self.group}/{role}/quantizer', shape, constant, f'{self.context}, {QUANTIZER_ROLES[role]}'
        )

    def read_quantizer(
        self, config: JsonView, group: str, shape: Shape, constant: bool, context: str
    ) -> Quantizer | None:
        variables = self.weights.variables(group)
        return read_quantizer(config, variables, shape, constant=constant, context=context)

    def constants(self, role: str, values: Float32) -> NDArray[np.float64]:
        """Weights through their quantizer, as exact dyadic numbers."""
        quantizer = self.quantizer(role, values.shape, constant=True)
        if quantizer is None:
            raise self.unsupported(
                "q_type 'dummy' on weights", ['kif', 'kbi'], context=f'{self.context}, {QUANTIZER_ROLES[role]}'
            )
        quantized = quantizer.constants(values)
        if not np.isfinite(quantized).all():
            raise self.corrupt(f'its {QUANTIZER_ROLES[role].partition(" ")[0]} overflows float32')
        return quantized.astype(np.float64)


def nearest_first(what: str, choices: Sequence[str]) -> list[str]:
    """The choices, those that look most like ``what`` first."""

    def likeness(choice: str) -> float:
        return SequenceMatcher(None, what.lower(), choice.lower()).ratio()

    return sorted(choices, key=lambda choice: (-likeness(choice), choice))


def describe(value: Any) -> str:
    """A value for an error message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + '...'
