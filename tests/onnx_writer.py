"""ONNX files written by hand, so that tests need no onnx and can break one thing at a time."""

import struct
from pathlib import Path

import numpy as np

ELEMENT_TYPES = {'float32': 1, 'int64': 7, 'float64': 11}


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | float | str | bytes) -> bytes:
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack('<f', value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, value) -> bytes:
    array = np.asarray(value)
    if array.dtype.kind != 'f' or array.dtype == np.float64:
        array = array.astype(np.int64 if array.dtype.kind == 'i' else np.float32)
    head = b''.join(field(1, size) for size in array.shape)
    return head + field(2, ELEMENT_TYPES[array.dtype.name]) + field(8, name) + field(9, array.tobytes())


def attribute(name: str, value) -> bytes:
    if isinstance(value, list):
        return field(1, name) + b''.join(field(8, item) for item in value) + field(20, 7)
    if isinstance(value, np.ndarray):
        return field(1, name) + field(5, tensor('', value)) + field(20, 4)
    number, kind = {float: (2, 1), int: (3, 2), str: (4, 3)}[type(value)]
    return field(1, name) + field(number, value) + field(20, kind)


class OnnxFile:
    """A graph from input ``x`` to the output of the last node."""

    def __init__(self, shape: list[int]) -> None:
        self.shape = shape
        self.nodes: list[bytes] = []
        self.constants: list[bytes] = []
        self.extra = b''
        self.last = 'x'

    def constant(self, value) -> str:
        name = f'c{len(self.constants)}'
        self.constants.append(tensor(name, value))
        return name

    def add(self, op_type: str, *inputs, domain: str = '', **attributes) -> str:
        """A node; inputs that are no names become constants. Returns the name of its output."""
        names = [item if isinstance(item, str) else self.constant(item) for item in inputs]
        self.last = f't{len(self.nodes)}'
        self.nodes.append(
            b''.join(field(1, name) for name in names)
            + field(2, self.last)
            + field(3, f'{op_type}_{len(self.nodes)}')
            + field(4, op_type)
            + b''.join(field(5, attribute(key, value)) for key, value in attributes.items())
            + field(7, domain)
        )
        return self.last

    def quant(
        self, source, scale, bits: int, zero=0.0, *, signed: int = 1, narrow: int = 0, mode: str = 'ROUND'
    ) -> str:
        options = {'signed': signed, 'narrow': narrow, 'rounding_mode': mode}
        inputs = (source, np.float32(scale), np.float32(zero), np.float32(bits))
        return self.add('Quant', *inputs, domain='qonnx.custom_op.general', **options)

    def data(self) -> bytes:
        axes = b''.join(field(1, field(1, size) if size else field(2, 'n')) for size in self.shape)
        kind = field(1, field(1, 1) + field(2, axes))
        graph = b''.join(field(1, node) for node in self.nodes) + field(2, 'hand_made')
        graph += b''.join(field(5, constant) for constant in self.constants)
        graph += field(11, field(1, 'x') + field(2, kind)) + field(12, field(1, self.last)) + self.extra
        return field(1, 8) + field(7, graph) + field(8, field(2, 11))

    def write(self, folder: Path) -> Path:
        path = folder / 'm.onnx'
        path.write_bytes(self.data())
        return path
