"""The answer of an inspection: each layer with its shape, quantizers, verdict and bit-operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from da4ml_core.errors import FrontendError, TraceError

if TYPE_CHECKING:
    from da4ml_core.ir import Program

Shape = tuple[int, ...]

FLOAT_BITS = 8  # of weights and activations, in the bit-operations of a model that has no bits yet


class Verdict(StrEnum):
    """Whether a layer can be compiled; ``unknown``: its input is that of a layer whose result has no known shape."""

    YES = 'yes'
    NO = 'no'
    UNKNOWN = 'unknown'


@dataclass(frozen=True, slots=True)
class InspectedLayer:
    """One call of a layer; shapes are without the batch axis, None where nothing tells them.

    ``bit_operations`` are the sum over all products of the bits of both factors multiplied, in the manner of EBOPs.
    """

    name: str
    kind: str
    verdict: Verdict
    shape: Shape | None = None
    quantizers: tuple[str, ...] = ()
    bit_operations: int | None = None
    reason: str = ''
    hint: str = ''


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model file; ``program`` is there where all of it was compiled, with the least effort of the solver."""

    source: str
    kind: str
    name: str
    inputs: tuple[tuple[str, Shape], ...]
    layers: tuple[InspectedLayer, ...]
    is_float: bool = False
    input_type: str | None = None  # what the model needs to be told, and was told here
    notes: tuple[str, ...] = ()
    problem: str = ''  # of the model as a whole
    program: Program | None = field(default=None, repr=False)

    @property
    def supported(self) -> bool:
        return not self.problem and all(layer.verdict is Verdict.YES for layer in self.layers)

    @property
    def bit_operations(self) -> int:
        return sum(layer.bit_operations or 0 for layer in self.layers)


def refused(name: str, kind: str, error: FrontendError | TraceError, quantizers: tuple[str, ...]) -> InspectedLayer:
    """A layer that cannot be compiled, and why."""
    return InspectedLayer(name, kind, Verdict.NO, None, quantizers, None, error.message, error.hint)


def untried(name: str, kind: str, quantizers: tuple[str, ...], known: bool, why: str) -> InspectedLayer:
    """A layer that could not be tried: at least it is known whether there is a reader of its class."""
    if not known:
        return InspectedLayer(name, kind, Verdict.NO, None, quantizers, None, why)
    return InspectedLayer(
        name, kind, Verdict.UNKNOWN, None, quantizers, None, 'what it reads has no known shape: not tried'
    )
