"""Members of zip archives: what is there once is read, and nothing else."""

import warnings
import zipfile

import pytest

from da4ml_core.errors import CorruptModel
from da4ml_core.frontends.zip_archive import open_zip, read_member


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / 'model.zip'
    with zipfile.ZipFile(path, 'w') as writer, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # zipfile's own, of the second
        for name, data in (('once', b'1234'), ('twice', b'good'), ('twice', b'evil')):
            writer.writestr(name, data)
    with open_zip(path, '.zip', str(path)) as opened:
        yield opened


def test_a_member_is_read_by_its_exact_name(archive):
    assert read_member(archive, 'once', 4, 'model.zip') == b'1234'
    with pytest.raises(CorruptModel, match='has no ONCE'):
        read_member(archive, 'ONCE', 4, 'model.zip')


def test_a_member_that_is_there_twice_is_refused(archive):
    with pytest.raises(CorruptModel, match='2 members named twice'):
        read_member(archive, 'twice', 4, 'model.zip')


def test_a_member_that_is_too_large_is_not_unpacked(archive):
    with pytest.raises(CorruptModel, match='unpacks to more than'):
        read_member(archive, 'once', 3, 'model.zip')
