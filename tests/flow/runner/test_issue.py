"""The archive of a run: what helps is in it, what is private is not."""

import zipfile
from pathlib import Path

import pytest

from da4ml_flow.cli.main import run
from da4ml_flow.errors import FlowError, ToolFailed
from da4ml_flow.runner.build import build
from da4ml_flow.runner.issue import find_run, pack, redactor

SECRETS = {
    'password=hunter2x': 'hunter2x',
    'api_key: "k 123-456"': '123-456',
    'WANDB_TOKEN=abcdef99': 'abcdef99',
    'https://me:pw77@example.org/x': 'pw77',
    'XILINXD_LICENSE_FILE=/opt/lic/file.lic': 'file.lic',
    'checking out from 2100@licence.example.org': 'licence.example.org',
    'Authorization: Bearer eyJhbGci': 'eyJhbGci',
    '/home/somebody/work/jet': 'somebody',
    '/Users/someone/jet': 'someone',
}


@pytest.fixture
def archive(request_of, chain, tmp_path, monkeypatch):
    """The archive of a build whose third stage fails; its logs hold what should not get out."""
    monkeypatch.setenv('MY_SECRET_VALUE', 'from-the-environment')

    def emit(context):
        (context.directory / 'kernel.v').write_text('module kernel; endmodule\n')
        (context.directory / 'model.keras').write_bytes(b'weights')
        (context.directory / 'passwd.log').symlink_to('/etc/passwd')

    def lint(context):
        (context.directory / 'make.log').write_text('\n'.join(SECRETS) + f'\n{Path.home()}/x\nERROR: it broke\n')
        (context.directory / 'top.dcp').write_bytes(b'checkpoint')
        raise ToolFailed('it broke')

    chain[1].action, chain[2].action = emit, lint
    record = build(request_of(), chain).run
    target = tmp_path / 'issue.zip'
    pack(record, target)
    with zipfile.ZipFile(target) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def test_what_helps_is_there(archive) -> None:
    assert {'run.json', 'config.yaml', 'versions.json', 'emit/kernel.v', 'lint/make.log'} <= archive.keys()
    assert 'ERROR: it broke' in archive['lint/make.log']
    assert 'name: jet' in archive['config.yaml']
    assert '"fake": "1.0"' in archive['versions.json']


def test_what_is_private_is_not(archive, tmp_path) -> None:
    text = '\n'.join(archive.values())
    for secret in [*SECRETS.values(), 'from-the-environment', str(Path.home()) + '/', str(tmp_path / 'build')]:
        assert secret not in text
    assert not [name for name in archive if name.endswith(('.keras', '.dcp', 'passwd.log'))]


def test_the_command(request_of, chain, tmp_path, monkeypatch, capsys) -> None:
    record = build(request_of(), chain).run
    monkeypatch.chdir(tmp_path)
    assert run(['issue', record.uid[:10]]) == 0
    assert (tmp_path / f'issue-{record.uid}.zip').is_file()
    assert run(['issue', record.uid[:10]]) == 2
    assert 'is there already' in capsys.readouterr().err
    assert run(['issue', str(tmp_path / 'build' / 'jet' / 'runs' / f'{record.uid}.json'), '-o', 'b.zip']) == 0
    assert run(['issue', 'nothing']) == 2
    assert not list(tmp_path.glob('.*zip*'))


def test_a_beginning_of_several_ids(request_of, chain, tmp_path) -> None:
    build(request_of(), chain[:1])
    build(request_of(), chain[:2])
    with pytest.raises(FlowError, match='more than one run'):
        find_run('', tmp_path / 'build')


def test_ordinary_text_is_left_alone(request_of, chain) -> None:
    text = 'tokens: 12 adders\nsecretary\n$finish called at 100 ps\nmodule kernel(input clk);\n'
    assert redactor(build(request_of(), chain).run)(text).splitlines()[1:] == text.splitlines()[1:]
