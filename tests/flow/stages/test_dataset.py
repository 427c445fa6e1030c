"""Datasets: what is read, and how everything else is refused."""

import numpy as np
import pytest

from da4ml_flow.config.model import DatasetConfig
from da4ml_flow.errors import DatasetError
from da4ml_flow.stages.dataset import array_shapes, load_array, load_dataset


@pytest.fixture
def save(tmp_path):
    def save(**arrays):
        path = tmp_path / 'data.npz'
        np.savez(path, **arrays)
        return path

    return save


X = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize(
    'labels',
    [np.array([0, 1, 2, 1]), np.array([[0], [1], [2], [1]]), np.eye(3)[[0, 1, 2, 1]], np.array([0.0, 1.0, 2.0, 1.0])],
    ids=['vector', 'column', 'one-hot', 'float'],
)
def test_labels_in_every_usual_form(save, labels):
    data = load_dataset(DatasetConfig(path=save(x=X, y=labels), labels='y'))
    np.testing.assert_array_equal(data.inputs, X)
    assert data.labels.tolist() == [0, 1, 2, 1]


def test_without_labels(save):
    assert load_dataset(DatasetConfig(path=save(x=X))).labels is None


@pytest.mark.parametrize('labels', [np.zeros(3), np.array([0, 1, 2, 0.5]), np.zeros((4, 2, 2))])
def test_labels_that_are_none(save, labels):
    with pytest.raises(DatasetError, match='labels'):
        load_dataset(DatasetConfig(path=save(x=X, y=labels), labels='y'))


@pytest.mark.parametrize(
    ('array', 'message'),
    [
        (np.array(['a']), 'not numbers'),
        (np.array([1 + 2j]), 'not numbers'),
        (np.float64(3), 'holds no samples'),
        (np.zeros((0, 3)), 'holds no samples'),
        (np.array([{}], dtype=object), 'allow_pickle=False'),
    ],
)
def test_arrays_that_are_no_samples(save, array, message):
    with pytest.raises(DatasetError, match=message):
        load_array(save(x=array), 'x')


def test_files_that_are_no_archives(tmp_path, save):
    path = save(x=X)
    whole = path.read_bytes()
    for content in (b'', b'text', whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match='not a readable'):
            load_array(path, 'x')
    np.save(tmp_path / 'one.npy', X)
    with pytest.raises(DatasetError, match='a single array'):
        load_array(tmp_path / 'one.npy', 'x')
    with pytest.raises(DatasetError, match='no such dataset'):
        load_array(tmp_path / 'absent.npz', 'x')


def test_flipped_bits_are_noticed(save):
    path = save(x=np.random.default_rng(0).normal(size=(50, 3)))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match='CRC'):
        load_array(path, 'x')


def test_booleans_are_numbers_0_and_1(save):
    array = load_array(save(x=np.array([[True, False]])), 'x')
    assert array.dtype == np.int8
    assert array.tolist() == [[1, 0]]


def test_shapes(save):
    assert array_shapes(save(x=X, y=np.zeros(4, dtype=int))) == {'x': ((4, 3), 'f'), 'y': ((4,), 'i')}
