import contextlib
import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from da4ml_core.errors import CorruptModel, FrontendError
from da4ml_core.frontends import keras_archive
from da4ml_core.frontends.keras_archive import WeightStore, open_archive


def hdf5(build) -> bytes:
    image = io.BytesIO()
    with h5py.File(image, 'w') as file:
        build(file)
    return image.getvalue()


def test_reads_configuration_and_variables_in_order(model_file, tmp_path: Path) -> None:
    opened = open_archive(model_file.write(tmp_path / 'm.keras'))
    assert opened.config['config']['name'].text() == 'hand_made'
    kernel, bias, beta, ebops = opened.weights.variables('layers/q_dense')
    assert (kernel.shape, bias.shape, beta.shape, ebops.shape) == ((4, 3), (3,), (), ())
    assert opened.weights.children('layers') == {'q_dense': 'dense'}


def test_more_than_ten_variables_keep_their_order(model_file, tmp_path: Path) -> None:
    model_file.variables('layers/many', *range(12))
    weights = open_archive(model_file.write(tmp_path / 'm.keras')).weights
    assert [int(array) for array in weights.variables('layers/many')] == list(range(12))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match='there is no model file'):
        open_archive(tmp_path / 'absent.keras')


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FrontendError, match='cannot read'):
        open_archive(tmp_path)


@pytest.mark.parametrize('content', [b'', b'not a zip at all', b'PK\x03\x04' + b'\0' * 100, b'\x89HDF\r\n\x1a\n'])
def test_not_a_zip(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'm.keras'
    path.write_bytes(content)
    with pytest.raises(CorruptModel, match=r'not a whole \.keras file'):
        open_archive(path)


@pytest.mark.parametrize('percent', [1, 10, 30, 50, 70, 90, 99])
def test_truncated_anywhere(percent: int, digits: Path, tmp_path: Path) -> None:
    whole = (digits / 'digits.keras').read_bytes()
    path = tmp_path / 'm.keras'
    path.write_bytes(whole[: len(whole) * percent // 100])
    with pytest.raises(CorruptModel):
        open_archive(path)


@pytest.mark.parametrize('seed', range(30))
def test_flipped_bytes_are_an_error_or_harmless(seed: int, digits: Path, tmp_path: Path) -> None:
    """Whatever a damaged file holds, nothing but our own errors comes out."""
    rng = np.random.default_rng(seed)
    content = bytearray((digits / 'digits.keras').read_bytes())
    for position in rng.integers(0, len(content), 5):
        content[position] ^= int(rng.integers(1, 256))
    path = tmp_path / 'm.keras'
    path.write_bytes(content)
    with contextlib.suppress(FrontendError):
        open_archive(path)


@pytest.mark.parametrize('missing', ['config.json', 'model.weights.h5'])
def test_missing_member(missing: str, model_file, archive, tmp_path: Path) -> None:
    members = {'config.json': b'{}', 'model.weights.h5': model_file.hdf5()}
    del members[missing]
    with pytest.raises(CorruptModel, match=f'the archive has no {missing}'):
        open_archive(archive(tmp_path / 'm.keras', members))


def test_two_members_of_one_name(model_file, tmp_path: Path) -> None:
    path = model_file.write(tmp_path / 'm.keras')
    with zipfile.ZipFile(path, 'a') as opened, pytest.warns(UserWarning, match='Duplicate name'):
        opened.writestr('config.json', '{}')
    with pytest.raises(CorruptModel, match=r'2 members named config\.json'):
        open_archive(path)


def test_members_with_paths_outside_are_never_touched(model_file, tmp_path: Path) -> None:
    path = model_file.write(tmp_path / 'm.keras')
    with zipfile.ZipFile(path, 'a') as opened:
        opened.writestr('../escaped.txt', 'x')
        opened.writestr('/absolute.txt', 'x')
        opened.writestr('assets/../../config.json', '{}')
    open_archive(path)
    assert [item.name for item in tmp_path.iterdir()] == ['m.keras']
    assert not (tmp_path.parent / 'escaped.txt').exists()


def test_zip_bomb(model_file, archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_archive, 'MAX_CONFIG_BYTES', 1 << 20)
    path = archive(tmp_path / 'm.keras', {'config.json': b' ' * (2 << 20), 'model.weights.h5': model_file.hdf5()})
    assert path.stat().st_size < 100_000
    with pytest.raises(CorruptModel, match='unpacks to more than 1 MB'):
        open_archive(path)


def test_zip_bomb_that_lies_about_its_size(
    model_file, archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_archive, 'MAX_CONFIG_BYTES', 1 << 20)
    path = archive(tmp_path / 'm.keras', {'config.json': b' ' * (2 << 20), 'model.weights.h5': model_file.hdf5()})
    size = (2 << 20).to_bytes(4, 'little')
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, 'little')))
    with pytest.raises(CorruptModel):
        open_archive(path)


@pytest.mark.parametrize('text', ['', '{', '[1, 2', '{"a": }', '[' * 100_000, '\xff'])
def test_configuration_that_is_not_json(text: str, model_file, archive, tmp_path: Path) -> None:
    members = {'config.json': text.encode('latin-1'), 'model.weights.h5': model_file.hdf5()}
    with pytest.raises(CorruptModel, match=r'config\.json is not JSON'):
        open_archive(archive(tmp_path / 'm.keras', members))


@pytest.mark.parametrize('keep', [0, 100, 0.5, 0.9])
def test_truncated_weights(keep: float, model_file, archive, tmp_path: Path) -> None:
    whole = model_file.hdf5()
    cut = whole[: int(keep * len(whole)) if keep < 1 else int(keep)]
    members = {'config.json': json.dumps(model_file.config).encode(), 'model.weights.h5': cut}
    with pytest.raises(CorruptModel, match=r'model\.weights\.h5 is not a whole HDF5 file'):
        open_archive(archive(tmp_path / 'm.keras', members))


@pytest.mark.parametrize('link', [h5py.SoftLink('/a'), h5py.ExternalLink('/etc/passwd', '/')])
def test_links_are_refused(link) -> None:
    def build(file: h5py.File) -> None:
        file['a/vars/0'] = 1.0
        file['b'] = link

    with pytest.raises(CorruptModel, match='b is a link to elsewhere'):
        WeightStore.parse(hdf5(build), 'm.keras')


def test_data_in_other_files_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / 'secret'
    secret.write_bytes(b'12345678')

    def build(file: h5py.File) -> None:
        file.create_dataset('a/vars/0', (2,), 'f4', external=[(str(secret), 0, 8)])

    with pytest.raises(CorruptModel, match='keeps its data in another file'):
        WeightStore.parse(hdf5(build), 'm.keras')


def test_a_dataset_larger_than_any_model_is_not_allocated() -> None:
    def build(file: h5py.File) -> None:
        file.create_dataset('a/vars/0', (1 << 40,), 'f4', chunks=(1 << 16,))

    with pytest.raises(CorruptModel, match='describes more than 67108864 numbers'):
        WeightStore.parse(hdf5(build), 'm.keras')


def test_a_dataset_of_objects() -> None:
    def build(file: h5py.File) -> None:
        file['a/vars/0'] = ['pickle', 'me']

    with pytest.raises(CorruptModel, match='not numbers'):
        WeightStore.parse(hdf5(build), 'm.keras')


def test_a_gap_in_the_numbering(model_file, tmp_path: Path) -> None:
    del model_file.arrays['layers/q_dense/vars/1']
    weights = open_archive(model_file.write(tmp_path / 'm.keras')).weights
    with pytest.raises(CorruptModel, match='are numbered 0, 2, 3'):
        weights.variables('layers/q_dense')


def test_a_cycle_of_groups_ends() -> None:
    def build(file: h5py.File) -> None:
        file['a/vars/0'] = 1.0
        file['a/again'] = file['a']

    assert len(WeightStore.parse(hdf5(build), 'm.keras').variables('a')) == 1
