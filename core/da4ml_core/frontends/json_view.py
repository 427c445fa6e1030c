"""A view of decoded JSON that knows where it is and says so when something is missing or of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from da4ml_core.errors import CorruptModel, Location


@dataclass(frozen=True, slots=True)
class JsonView:
    """One value of a JSON document: ``path`` is its place in the document, ``file`` the model file it came from."""

    value: Any
    path: str
    file: str

    def __getitem__(self, key: str) -> JsonView:
        """The member of an object; raises CorruptModel if this is no object, or has no such member."""
        members = self._expect(dict, 'an object')
        if key not in members:
            raise self.error(f'{self.key} has no {key!r}')
        return JsonView(members[key], f'{self.path}.{key}', self.file)

    def find(self, key: str) -> JsonView | None:
        """The member of an object, or None where it is absent or null."""
        member = self._expect(dict, 'an object').get(key)
        return None if member is None else JsonView(member, f'{self.path}.{key}', self.file)

    def __iter__(self) -> Iterator[JsonView]:
        """The elements of a list."""
        elements = self._expect(list, 'a list')
        return (JsonView(element, f'{self.path}[{index}]', self.file) for index, element in enumerate(elements))

    def members(self) -> dict[str, JsonView]:
        """The members of an object that are not null."""
        names = self._expect(dict, 'an object')
        return {name: view for name in names if (view := self.find(name)) is not None}

    @property
    def key(self) -> str:
        """The last step of the path."""
        return self.path.rpartition('.')[2]

    @property
    def is_object(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def is_null(self) -> bool:
        return self.value is None

    def text(self) -> str:
        return str(self._expect(str, 'a string'))

    def flag(self) -> bool:
        return bool(self._expect(bool, 'true or false'))

    def integer(self) -> int:
        if isinstance(self.value, bool):
            raise self._wrong('an integer')
        return int(self._expect(int, 'an integer'))

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self._wrong('a number')
        try:
            return float(self.value)
        except OverflowError:
            raise self._wrong('a number that fits a float') from None

    def error(self, message: str, *, hint: str = '') -> CorruptModel:
        """The error for a document whose value here makes no sense."""
        return CorruptModel(message, location=Location(self.file), context=self.path, hint=hint)

    def _expect(self, kind: type, name: str) -> Any:
        if not isinstance(self.value, kind):
            raise self._wrong(name)
        return self.value

    def _wrong(self, expected: str) -> CorruptModel:
        found = repr(self.value)
        if len(found) > 60:
            found = found[:57] + '...'
        return self.error(f'{self.key} must be {expected}, not {found}')
