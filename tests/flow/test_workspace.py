"""Files that are there whole or not at all, and hashes of trees."""

import os
from pathlib import Path

import pytest

from da4ml_flow.errors import WorkspaceError
from da4ml_flow.workspace import hash_tree, system_errors, write_durably


def test_write_durably_replaces_whole_files(tmp_path):
    path = tmp_path / 'record.json'
    write_durably(path, 'one')
    write_durably(path, 'two')
    assert path.read_text() == 'two'
    assert [item.name for item in tmp_path.iterdir()] == ['record.json']


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'record.json'
    write_durably(path, 'one')

    def full(descriptor):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        write_durably(path, 'two')
    assert path.read_text() == 'one'
    assert [item.name for item in tmp_path.iterdir()] == ['record.json']


def test_the_hash_of_a_folder_is_of_names_and_contents(tmp_path):
    def make(name: str, **files: str) -> str:
        folder = tmp_path / name
        (folder / 'sub').mkdir(parents=True)
        for file, text in files.items():
            Path(folder, file.replace('__', '/')).write_text(text)
        return hash_tree(folder)[0]

    first = make('a', x='1', sub__y='2')
    assert make('b', sub__y='2', x='1') == first
    assert make('c', x='1', sub__z='2') != first
    assert make('d', x='2', sub__y='1') != first
    assert hash_tree(tmp_path / 'a')[1] == 2


def test_system_errors_name_the_file(tmp_path):
    with pytest.raises(WorkspaceError, match='read-only file system: /there') as caught, system_errors(tmp_path):
        raise OSError(30, 'Read-only file system', '/there')
    assert caught.value.exit_code == 2
    with pytest.raises(FileNotFoundError), system_errors(tmp_path):
        (tmp_path / 'absent').read_text()
