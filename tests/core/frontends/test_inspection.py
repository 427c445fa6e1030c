"""Inspection: every layer with its verdict, whatever comes before it, and bit-operations like those of HGQ2."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from onnx_writer import OnnxFile, field

from da4ml_core.errors import CorruptModel, IRError
from da4ml_core.frontends.inspection import Verdict, inspect_model, is_float_model

WEIGHTS = np.array([[1.0, -2.0, 0.5], [0.25, 0.0, -1.0]], dtype=np.float32)


def verdicts(found) -> dict[str, str]:
    return {layer.name: str(layer.verdict) for layer in found.layers}


def test_a_supported_model(model_file, tmp_path: Path) -> None:
    found = inspect_model(model_file.write(tmp_path / 'm.keras'))
    (layer,) = found.layers
    assert found.supported
    assert not found.is_float
    assert found.inputs == (('features', (4,)),)
    assert (layer.name, layer.kind, layer.shape) == ('dense', 'QDense', (3,))
    assert layer.quantizers == (
        'iq 4 bits per channel SAT',
        'kq 4 bits per element SAT_SYM',
        'bq 4 bits per channel WRAP',
    )
    assert found.program is not None
    assert found.program.output_shapes == ((3,),)


def test_bit_operations_by_hand(model_file, tmp_path: Path) -> None:
    """4 bits of each input, times the digits of the weights of its row: the kernel is n/4 with n of -3 to 3."""
    found = inspect_model(model_file.write(tmp_path / 'm.keras'))
    kernel = np.arange(12) % 7 - 3
    digits = sum({0: 0, 1: 1, 2: 1, 3: 2}[abs(int(n))] for n in kernel)
    assert found.bit_operations == 4 * digits


def test_all_that_is_not_supported_is_listed(model_file, tmp_path: Path) -> None:
    """Behind a layer that is not read the others are tried on the shape that the file records."""
    model_file.add('mine', 'Secret', 'first', 'dense')
    model_file.dense('second', inputs=3)
    model_file.add('keras', 'Lambda', 'code', 'second', function='4wEAAAA=')
    model_file.add('keras', 'Activation', 'curve', 'code', activation='tanh')
    model_file.add('keras', 'Activation', 'line', 'curve', activation='relu')
    for layer in model_file.layers[1:]:
        layer['inbound_nodes'][0]['args'][0]['config']['shape'] = [None, 4 if layer['name'] == 'dense' else 3]
    found = inspect_model(model_file.write(tmp_path / 'm.keras'))
    assert not found.supported
    assert verdicts(found) == {
        'dense': 'yes', 'first': 'no', 'second': 'yes', 'code': 'no', 'curve': 'no', 'line': 'yes'
    }  # fmt: skip
    reasons = {layer.name: layer.reason for layer in found.layers}
    assert 'never executed' in reasons['code']
    assert "activation 'tanh'" in reasons['curve']


def test_what_cannot_be_tried_is_said_to_be_unknown(model_file, tmp_path: Path) -> None:
    model_file.add('mine', 'Secret', 'first', 'dense')
    model_file.add('keras', 'Flatten', 'flat', 'first')
    found = inspect_model(model_file.write(tmp_path / 'm.keras'))
    assert verdicts(found) == {'dense': 'yes', 'first': 'no', 'flat': 'unknown'}
    assert found.program is None


def test_a_model_whose_graph_is_broken_still_lists_its_layers(model_file, tmp_path: Path) -> None:
    model_file.outputs = ['nowhere', 0, 0]
    model_file.add('mine', 'Secret', 'first', 'dense')
    model_file.outputs = ['nowhere', 0, 0]
    found = inspect_model(model_file.write(tmp_path / 'm.keras'))
    assert "no layer 'nowhere'" in found.problem
    assert verdicts(found) == {'dense': 'unknown', 'first': 'no'}


def test_onnx_with_what_is_not_read(tmp_path: Path) -> None:
    model = OnnxFile([1, 2])
    model.add('MatMul', model.quant('x', 0.25, 4), WEIGHTS)
    odd = model.add('Erf', model.last)
    shape = field(1, field(1, 1)) + field(1, field(1, 3))
    model.extra += field(13, field(1, odd) + field(2, field(1, field(1, 1) + field(2, shape))))
    model.quant(odd, 0.5, 3)
    model.add('Sin', model.last)
    found = inspect_model(model.write(tmp_path))
    assert [str(layer.verdict) for layer in found.layers] == ['yes', 'yes', 'no', 'yes', 'no']
    assert found.layers[0].quantizers == ('4 bits signed per tensor, scale 0.25',)
    assert found.layers[1].bit_operations == 4 * 5  # five weights of one digit


def test_onnx_that_needs_a_type_of_its_inputs(tmp_path: Path) -> None:
    model = OnnxFile([1, 2])
    model.quant(model.add('MatMul', 'x', WEIGHTS), 0.25, 4)
    path = model.write(tmp_path)
    found = inspect_model(path)
    assert found.supported
    assert found.input_type == 'fixed<3,12>'
    assert inspect_model(path, input_type='ufixed<0,8>').input_type == 'ufixed<0,8>'


def test_float_models(tmp_path: Path) -> None:
    model = OnnxFile([1, 2])
    model.add('Relu', model.add('MatMul', 'x', WEIGHTS))
    model.add('Erf', model.last)
    path = model.write(tmp_path)
    found = inspect_model(path)
    assert is_float_model(path)
    assert found.is_float
    assert [str(layer.verdict) for layer in found.layers] == ['yes', 'yes', 'no']
    assert found.bit_operations == 6 * 64
    digits = Path(__file__).parents[3] / 'configs' / 'float_digits' / 'digits_float.keras'
    found = inspect_model(digits)
    assert found.supported
    assert found.is_float
    assert found.layers[0].bit_operations == 64 * 32 * 64


def test_programs_and_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('f.py').write_text("def f(x: 'fixed<3,4>[2]'):\n    return x @ [[1, 3], [5, -7]]\n")
    found = inspect_model('python:f.py:f')
    assert (found.kind, found.supported) == ('Python function', True)
    assert found.program is not None
    from da4ml_core.api import Program

    for name in ('p.json', 'p.json.gz'):
        Program.of(found.program).save(name)
        again = inspect_model(name)
        assert again.kind == 'program'
        assert all(layer.verdict is Verdict.YES for layer in again.layers)
    Path('p.json').write_text('{}')
    with pytest.raises(IRError):
        inspect_model('p.json')


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / 'm.keras').write_bytes(b'no zip')
    with pytest.raises(CorruptModel):
        inspect_model(tmp_path / 'm.keras')


@pytest.mark.parametrize('name', ['jsc_openml_acc77.1', 'jsc_openml_acc73.3'])
def test_bit_operations_are_close_to_the_ebops_that_hgq2_saved(name: str, shared: Path) -> None:
    """Ours count what is left when zeros, known ranges and bits that are always zero are out: a little less."""
    path = shared / 'models' / 'hgq2' / f'{name}.keras'
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read('model.weights.h5'))) as weights:
        counts = [weights[f'layers/{layer}/vars'] for layer in weights['layers'] if layer.startswith('q_')]
        saved = sum(
            float(array[()]) for group in counts for array in group.values() if array.shape == () and array[()] > 1
        )
    found = inspect_model(path)
    assert found.supported
    assert 0.7 * saved < found.bit_operations <= saved


def test_every_shared_model_is_supported(shared: Path) -> None:
    models = [*(shared / 'models' / 'hgq2').glob('jsc*.keras'), *(shared / 'models' / 'qonnx').glob('jet*.onnx')]
    models += [shared / 'models' / 'float' / 'KERAS_3layer.json', shared / 'models' / 'float' / 'jettagging_float.onnx']
    assert len(models) == 5
    for path in models:
        assert inspect_model(path).supported, path
