"""What the vendors' tools have in common: figures from their reports, and going on where an earlier try ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from da4ml_flow.eda.report_text import read_report


class Figures(Protocol):
    """What a parser of reports gives."""

    def figures(self) -> dict[str, float]:
        """What the report says, by the names of the metrics."""
        ...


Parser = Callable[[str, str], Figures]


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of a design by the names of the metrics, the files that tell more, and what the run took."""

    figures: Mapping[str, float]
    reports: tuple[Path, ...]
    logs: tuple[Path, ...]
    wall_s: float


def read_figures(reports: Iterable[tuple[Path, Parser]]) -> dict[str, float]:
    """The figures of all these reports; raises ReportParseError if one is missing or damaged."""
    found: dict[str, float] = {}
    for path, parse in reports:
        found |= parse(read_report(path), str(path)).figures()
    return found


def take_over(earlier: Path, root: Path, checkpoints: Sequence[str], reports: str) -> int:
    """Copy what an earlier try of the same scripts finished, in the order of its steps; returns how many steps.

    A checkpoint is taken only behind all before it, and only if every script beside it is the same as ours.
    """
    for script in sorted(root.glob('*.tcl')):
        before = earlier / script.name
        if not before.is_file() or before.read_bytes() != script.read_bytes():
            return 0
    taken = 0
    for name in checkpoints:
        if not (earlier / name).is_file():
            break
        shutil.copyfile(earlier / name, root / name)  # a new time: make takes it for newer than the sources
        taken += 1
    if taken and (earlier / reports).is_dir():
        shutil.copytree(earlier / reports, root / reports, dirs_exist_ok=True)
    return taken
