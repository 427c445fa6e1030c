"""docs/models.md lists what the readers read, and what they refuse: no more and no less."""

import re
from pathlib import Path

from da4ml_core.frontends.keras_handlers import HANDLERS, MERGES, REFUSED, SEQUENCES
from da4ml_core.frontends.keras_operations import OPERATIONS
from da4ml_core.frontends.qonnx_ops import HANDLERS as ONNX

PAGE = (Path(__file__).parents[2] / 'docs' / 'models.md').read_text()


def listed(heading: str) -> set[str]:
    """The names in the paragraph that begins with a heading."""
    paragraph = next(part for part in PAGE.split('\n\n') if part.startswith(heading))
    return set(re.findall(r'`(\w+)`', paragraph.partition(':')[2]))


def test_every_layer_that_is_read_is_listed():
    layers = {*HANDLERS, *MERGES, *SEQUENCES}
    assert listed('HGQ2:') == {name for package, name in layers if package == 'hgq'}
    assert listed('Keras, where float32 is exact:') == {name for package, name in layers if package == 'keras'}
    assert listed('Functions of `keras.ops`:') == set(OPERATIONS)
    assert listed('ONNX:') == set(ONNX)


def test_every_refusal_is_listed_with_its_reason():
    rows = dict(re.findall(r'^\| `(\w+)` \| (.*) \|$', PAGE, re.MULTILINE))
    assert rows == dict(REFUSED)
    assert not set(REFUSED) & {name for _, name in (*HANDLERS, *MERGES, *SEQUENCES)}
