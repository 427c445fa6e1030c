"""What the arrays of one program share: its graph, how its products are solved, the labels of its operations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from da4ml_core._srcloc import user_location
from da4ml_core.trace.graph import Graph
from da4ml_core.trace.linear import ObjectArray, SolverOptions
from da4ml_core.trace.variable import External


class Context:
    """One program in the making."""

    def __init__(self, name: str, solver: SolverOptions) -> None:
        self.name = name
        self.solver = solver
        self.graph = Graph()

    @contextmanager
    def origin(self, label: str) -> Iterator[None]:
        """Label the operations made inside, say with the layer they come from."""
        before, self.graph.origin = self.graph.origin, label
        try:
            yield
        finally:
            self.graph.origin = before

    def user_origin(self) -> AbstractContextManager[None]:
        """Label operations with the user's file and line, where no label is set."""
        if self.graph.origin:
            return nullcontext()
        location = user_location()
        return self.origin(f'{Path(location.path).name}:{location.line}' if location else '')


class Elements:
    """Symbolic numbers in an array, and their program; ``truth`` if numpy would call them bool."""

    __slots__ = ('context', 'elements', 'truth')

    def __init__(self, context: Context, elements: ObjectArray, truth: bool = False) -> None:
        self.context = context
        self.elements = elements
        self.truth = truth

    @property
    def ndim(self) -> int:
        return self.elements.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.elements.shape

    @property
    def size(self) -> int:
        return self.elements.size

    @property
    def is_external(self) -> bool:
        """Whether some element is a real number from outside that has not been quantized yet."""
        return any(isinstance(element, External) for element in self.elements.flat)
