"""The axes of Keras's EinsumDense: equation and shapes without the batch axis, from its mini-language."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_letters

from da4ml_core.frontends.json_view import JsonView
from da4ml_core.frontends.saved_layer import SavedLayer, Shape

FORMS = ('ab,bc->ac', '...ab,bc->...ac', 'ab...,bc->ac...')


@dataclass(frozen=True, slots=True)
class EinsumLayout:
    """Axis letters of input, kernel and output without the batch; ``sizes`` of every letter."""

    inputs: str
    kernel: str
    outputs: str
    sizes: dict[str, int]

    @property
    def equation(self) -> str:
        return f'{self.inputs},{self.kernel}->{self.outputs}'

    @property
    def kernel_shape(self) -> Shape:
        return self.shape_of(self.kernel)

    def shape_of(self, letters: str) -> Shape:
        return tuple(self.sizes[letter] for letter in letters)

    def trailing_shape(self, axes: str) -> Shape:
        """The shape that broadcasts an array over ``axes`` to the output: from the first such axis on, 1 elsewhere."""
        first = min(self.outputs.index(letter) for letter in axes)
        return tuple(self.sizes[letter] if letter in axes else 1 for letter in self.outputs[first:])


def read_einsum(layer: SavedLayer, input_shape: Shape) -> EinsumLayout:
    """The layout for an input of ``input_shape`` (without batch); raises UnsupportedLayer and CorruptModel."""
    equation = layer.options['equation'].text().replace(' ', '')
    inputs, kernel, outputs = _split(layer, equation)
    spare = [letter for letter in ascii_letters if letter not in equation]
    named = inputs.replace('...', '')
    num_elided = len(input_shape) + 1 - len(named)
    if num_elided < 0 or (num_elided != 0 and '...' not in inputs) or num_elided > len(spare):
        raise layer.corrupt(f'its equation {equation!r} does not fit an input of {len(input_shape)} axes')
    elided = ''.join(spare[:num_elided])
    inputs, outputs = inputs.replace('...', elided), outputs.replace('...', elided)
    batch, inputs = inputs[0], inputs[1:]
    if batch in kernel or not outputs.startswith(batch):
        raise layer.unsupported(f'an equation that mixes the batch axis ({equation!r})', FORMS)
    outputs = outputs[1:]

    sizes = dict(zip(inputs, input_shape, strict=True))
    given = layer.options['output_shape']
    wanted = list(given) if given.is_list else [given]
    own = [letter for letter in outputs if letter not in elided]
    if len(wanted) != len(own):
        raise layer.corrupt(f'its output_shape has {len(wanted)} sizes for the {len(own)} axes {own}')
    for letter, view in zip(own, wanted, strict=True):
        _set_size(layer, sizes, letter, view)
    unknown = [letter for letter in kernel + outputs if letter not in sizes]
    if unknown:
        raise layer.corrupt(f'its equation {equation!r} does not say how long axis {unknown[0]!r} is')
    return EinsumLayout(inputs, kernel, outputs, sizes)


def _split(layer: SavedLayer, equation: str) -> tuple[str, str, str]:
    left, arrow, outputs = equation.partition('->')
    inputs, comma, kernel = left.partition(',')
    parts = (inputs, kernel, outputs)
    names = [part.replace('...', '', 1) for part in parts]
    dots = tuple('left' if part.startswith('...') else 'right' if part.endswith('...') else 'none' for part in parts)
    legal = (
        bool(arrow and comma)
        and all(name.isascii() and (name.isalpha() or not name) for name in names)
        and all(len(set(name)) == len(name) for name in names)
        and dots in (('none',) * 3, ('left', 'none', 'left'), ('right', 'none', 'right'))
        and bool(parts[0] and parts[2])
    )
    if not legal:
        raise layer.unsupported(f'the equation {equation!r}', FORMS)
    return parts


def _set_size(layer: SavedLayer, sizes: dict[str, int], letter: str, view: JsonView) -> None:
    if view.is_null:
        return
    size = view.integer()
    if size < 1:
        raise layer.corrupt(f'its output_shape has the size {size}')
    if sizes.setdefault(letter, size) != size:
        raise layer.corrupt(f'axis {letter!r} of its equation is {sizes[letter]} long, not {size}')
