"""Fields of protobuf messages in the wire format, of which ONNX files are made; nothing in a file is executed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from da4ml_core.errors import CorruptModel, Location


class Wire(IntEnum):
    """How a field is stored (protobuf encoding specification)."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5


@dataclass(frozen=True, slots=True)
class Message:
    """The fields of one message by number; ``what`` names it in errors, ``file`` is where it came from."""

    what: str
    file: str
    fields: dict[int, list[int | bytes]] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes, what: str, file: str) -> Message:
        """The fields of a message; raises CorruptModel where the bytes are not one."""
        message = cls(what, file)
        position = 0
        while position < len(data):
            key, position = message._varint(data, position)
            number, kind = key >> 3, key & 7
            value: int | bytes
            if kind == Wire.VARINT:
                value, position = message._varint(data, position)
            else:
                if kind == Wire.BYTES:
                    size, position = message._varint(data, position)
                elif kind in (Wire.FIXED32, Wire.FIXED64):
                    size = 4 if kind == Wire.FIXED32 else 8
                else:
                    raise message.corrupt(f'has a field of the unknown wire type {kind}')
                if position + size > len(data):
                    raise message.corrupt('ends in the middle of a field')
                value = data[position : position + size]
                position += size
            message.fields.setdefault(number, []).append(value)
        return message

    def has(self, number: int) -> bool:
        return number in self.fields

    def integer(self, number: int, default: int = 0) -> int:
        """A signed 64-bit integer."""
        value = self.fields.get(number, [default])[-1]
        if isinstance(value, bytes):
            raise self.corrupt(f'has a field {number} that is no integer')
        return _signed(value)

    def integers(self, number: int) -> list[int]:
        """A repeated integer, packed or not."""
        result: list[int] = []
        for value in self.fields.get(number, []):
            if isinstance(value, int):
                result.append(_signed(value))
                continue
            position = 0
            while position < len(value):
                item, position = self._varint(value, position)
                result.append(_signed(item))
        return result

    def packed(self, number: int) -> bytes:
        """A repeated field of fixed size as one run of bytes, packed or not."""
        return b''.join(self._bytes(number))

    def number(self, number: int, default: float = 0.0) -> float:
        """A 32-bit float."""
        values = self._bytes(number)
        if not values:
            return default
        if len(values[-1]) != 4:
            raise self.corrupt(f'has a field {number} that is no 32-bit number')
        return float(struct.unpack('<f', values[-1])[0])

    def text(self, number: int) -> str:
        texts = self.texts(number)
        return texts[-1] if texts else ''

    def texts(self, number: int) -> list[str]:
        try:
            return [value.decode() for value in self._bytes(number)]
        except UnicodeDecodeError:
            raise self.corrupt(f'has a field {number} that is no text') from None

    def message(self, number: int, what: str) -> Message:
        """A message inside this one; empty where it is absent."""
        values = self._bytes(number)
        return Message.parse(values[-1] if values else b'', what, self.file)

    def messages(self, number: int, what: str) -> Iterator[Message]:
        return (Message.parse(value, what, self.file) for value in self._bytes(number))

    def corrupt(self, what: str) -> CorruptModel:
        return CorruptModel(f'{self.what} {what}', location=Location(self.file))

    def _bytes(self, number: int) -> list[bytes]:
        values = self.fields.get(number, [])
        found = [value for value in values if isinstance(value, bytes)]
        if len(found) != len(values):
            raise self.corrupt(f'has an integer in its field {number}')
        return found

    def _varint(self, data: bytes, position: int) -> tuple[int, int]:
        result = shift = 0
        while position < len(data) and shift < 70:
            byte = data[position]
            position += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result, position
            shift += 7
        raise self.corrupt('ends in the middle of a number' if shift < 70 else 'has a number of more than 64 bits')


def _signed(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
