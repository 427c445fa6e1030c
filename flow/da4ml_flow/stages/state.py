"""The artifacts that a build has so far: immutable, each stage adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class State:
    """Paths and content hashes by artifact name."""

    paths: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    hashes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def adding(self, paths: Mapping[str, Path], hashes: Mapping[str, str]) -> State:
        """This state and the artifacts of one more stage."""
        return State(MappingProxyType({**self.paths, **paths}), MappingProxyType({**self.hashes, **hashes}))

    def without(self, names: tuple[str, ...]) -> State:
        """This state but for the named artifacts."""
        return self.only(tuple(name for name in self.paths if name not in names))

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in self.paths)

    def only(self, names: tuple[str, ...]) -> State:
        """The named artifacts alone: a stage sees what it declared."""
        return State(
            MappingProxyType({name: self.paths[name] for name in names}),
            MappingProxyType({name: self.hashes[name] for name in names}),
        )
