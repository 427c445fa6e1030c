"""The public face of the compiler: models in, programs that know how to run, save and estimate themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from da4ml_core import ir
from da4ml_core.device import DEFAULT_DEVICE, device
from da4ml_core.errors import FrontendError
from da4ml_core.fixed import FixedType
from da4ml_core.ir import cost, serialize, text
from da4ml_core.passes import area
from da4ml_core.trace.linear import SolverOptions

EXCHANGE_SUFFIXES = ('.dais', '.dais.json', '.alir.json', '.alir.json.gz')


class SavableModel(Protocol):
    """A live model: ``keras.Model`` is one."""

    def save(self, filepath: Path) -> Any:
        """Write the whole model to a file of the suffix .keras."""


@dataclass(frozen=True, slots=True)
class Program(ir.Program):
    """An exact fixed-point program (see :class:`da4ml_core.ir.Program`) with the operations that users ask of it."""

    @classmethod
    def of(cls, program: ir.Program) -> Program:
        """The same program with the public methods."""
        return cls(**{field.name: getattr(program, field.name) for field in fields(ir.Program)})

    @property
    def depth(self) -> int:
        """Adder levels of the longest path."""
        return cost.depth(self)

    @property
    def lut_estimate(self) -> float:
        """LUTs on the default device family, registers apart."""
        return self.luts_on(DEFAULT_DEVICE)

    def luts_on(self, family: str) -> float:
        """LUTs on a device family; raises SolveError for an unknown one."""
        return area.lut_estimate(self, device(family))

    def predict(self, x: Any, threads: int | None = None, codes: bool = False, compiled: bool | None = None) -> Any:
        """Outputs for a batch, exact: float64 of shape (n, *output_shape), or integer codes.

        ``x`` is (n, *input_shape), or a sequence of such arrays for several inputs. ``compiled``: build machine code
        with the system's C compiler first, which a long run repays (None: when it does). Raises InterpError for other
        shapes, for NaN, and where float64 cannot hold an output exactly.
        """
        from da4ml_core.interp import predict

        return predict(self, x, threads=threads, codes=codes, compiled=compiled)

    def optimize(self, family: str = DEFAULT_DEVICE, ternary: bool = False) -> Program:
        """The same function by fewer and smaller operations; ``ternary`` fuses adders where the family has that."""
        from da4ml_core.passes.optimize import optimize

        return Program.of(optimize(self, device(family), ternary))

    def save(self, path: str | Path) -> None:
        """Write the program: .json, .json.gz; .dais, .dais.json, .alir.json, .alir.json.gz for da4ml and alkaid.

        Raises CodegenError for what their formats cannot say.
        """
        if str(path).endswith(EXCHANGE_SUFFIXES):
            from da4ml_core.codegen.exchange import save_exchange

            save_exchange(self, Path(path))
        else:
            serialize.save_program(self, path)

    def __str__(self) -> str:
        return text.print_program(self)


def load(path: str | Path) -> Program:
    """A program that was saved, by :meth:`Program.save` or by da4ml or alkaid, by the suffixes named there.

    Raises ParseError, VersionError or VerificationError.
    """
    from da4ml_core.frontends.exchange import load_saved

    return Program.of(load_saved(Path(path)))


def load_model(
    path: str | Path | SavableModel | Any,
    solver: SolverOptions | None = None,
    input_type: FixedType | str | None = None,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    softmax: str = 'drop',
) -> Program:
    """A model file, or a live model of Keras or PyTorch, as a program; raises FrontendError with what is not supported.

    ``input_type``, say ``'fixed<3,12>'``, is for models that compute with their inputs before they quantize them.
    ``input_shape``, without the batch, is for torch modules, which do not know it; one for each input.
    ``softmax='keep'`` computes the softmax at the end of an ONNX or torch model by tables instead of leaving it out.
    """
    from da4ml_core.frontends import load as load_frontend

    if isinstance(path, str | Path):
        return Program.of(load_frontend(path, solver or SolverOptions(), input_type, softmax))
    # a model of Keras on its torch backend is a module of torch, too
    if hasattr(path, 'state_dict') and not hasattr(path, 'get_config'):
        from da4ml_core.frontends.pytorch.module import read_module
        from da4ml_core.frontends.qonnx_file import noted, program_of

        graph = read_module(path, input_shape)
        return Program.of(noted(program_of(graph, solver or SolverOptions(), input_type, softmax)))
    if not callable(getattr(path, 'save', None)):
        raise FrontendError(
            f'a {type(path).__name__} is no model',
            hint='give the path of a model file, or a live model of Keras or PyTorch',
        )
    with TemporaryDirectory(prefix='da4ml-model-') as folder:
        # what Keras saves is all that counts: it is read as any other file, and Keras is not imported here
        saved = Path(folder) / 'live.keras'
        path.save(saved)
        return Program.of(load_frontend(saved, solver or SolverOptions(), input_type, softmax))
