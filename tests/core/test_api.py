"""The public face: what counts as a model besides a file."""

from pathlib import Path

import pytest

from da4ml_core.api import load_model
from da4ml_core.errors import FrontendError

DIGITS = Path(__file__).parents[2] / 'configs' / 'digits' / 'digits.keras'


class LiveModel:
    """Saves itself as a Keras model does, and remembers where."""

    def save(self, filepath: Path) -> None:
        self.saved = filepath
        filepath.write_bytes(DIGITS.read_bytes())


def test_a_live_model_is_the_program_of_its_file_and_leaves_no_file() -> None:
    model = LiveModel()
    assert str(load_model(model)) == str(load_model(DIGITS))
    assert model.saved.suffix == '.keras'
    assert not model.saved.parent.exists()


def test_an_object_that_cannot_be_saved_is_no_model() -> None:
    with pytest.raises(FrontendError, match='a list is no model'):
        load_model([1, 2])
