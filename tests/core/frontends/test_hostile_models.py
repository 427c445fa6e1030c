"""Damaged and malicious model files: a clear error for each, nothing executed, nothing large allocated."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_models import CANARY, CASES, EVIL

from da4ml_core import load, load_model

CORE = Path(__file__).parents[3] / 'core'
PROGRAMS = ('.json', '.json.gz', '.dais')
MAX_GROWTH_MB = 700  # an unpacked program may have 256 MB, which are copied once as they are decoded

WATCH = '''
"""Read every file of a list while an audit hook looks for execution, and say by how much the memory grew."""
import pickle, resource, sys
from pathlib import Path
from da4ml_core import load, load_model
from da4ml_core.errors import Da4mlError
from da4ml_core.frontends.inspection import inspect_model

folder, valid, *paths = map(Path, sys.argv[1:])
seen = []

def watch(event, arguments):
    if event in ('marshal.loads', 'pickle.find_class', 'subprocess.Popen', 'os.system', 'os.exec', 'socket.connect'):
        seen.append((event, str(arguments)[:200]))
    elif event == 'import' and arguments[0].startswith('evil'):
        seen.append((event, arguments[0]))
    elif event in ('exec', 'compile') and not str(getattr(arguments[0], 'co_filename', arguments[1:])).endswith('.py'):
        seen.append((event, str(arguments)[:200]))
    elif event == 'open' and isinstance(arguments[1], str) and set(arguments[1]) & set('wax+'):
        seen.append((event, str(arguments)[:200]))
    elif event == 'open' and str(arguments[0]) == '/etc/passwd':
        seen.append((event, str(arguments)[:200]))

def read(path):
    for reader in (load if path.name.endswith(('.json', '.json.gz', '.dais')) else load_model, inspect_model):
        try:
            reader(path)
        except Da4mlError:
            pass

for path in (valid, *paths):
    if path.suffix in ('.keras', '.onnx'):
        read(path)  # imports what is imported late, before the watch
sys.addaudithook(watch)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in paths:
    read(path)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
found = len(seen)
pickle.loads(pickle.dumps(Path))
exec(compile('1', 'a model', 'exec'))
print(found, grown // 1024, len(seen) - found)
for event in seen:
    print(event)
'''


def write(name: str, folder: Path, model) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return CASES[name][0](folder, model)


@pytest.mark.parametrize('name', CASES)
def test_a_clear_error(name: str, model_file, tmp_path: Path) -> None:
    _, error, message = CASES[name]
    path = write(name, tmp_path / 'inside', model_file)
    with pytest.raises(error, match=message) as caught:
        (load if path.name.endswith(PROGRAMS) else load_model)(path)
    assert path.name in str(caught.value)
    assert not list(tmp_path.rglob(CANARY))
    assert sorted(item.name for item in tmp_path.iterdir()) == ['inside']


def test_the_canary_sings_when_something_is_executed(model_file, tmp_path: Path) -> None:
    """What the next test looks for would be found."""
    path = write('a pickle named keras', tmp_path, model_file)
    code = 'import pickle, sys; pickle.loads(open(sys.argv[1], "rb").read())'
    subprocess.run([sys.executable, '-c', code, str(path)], check=True)
    assert (tmp_path / CANARY).read_text() == 'executed'


def test_nothing_is_executed_and_nothing_large_allocated(new_model_file, tmp_path: Path, digits: Path) -> None:
    paths = [write(name, tmp_path / str(number), new_model_file()) for number, name in enumerate(CASES)]
    (tmp_path / f'{EVIL}.py').write_text(f'open({str(tmp_path / CANARY)!r}, "w")\n')
    places = os.pathsep.join([str(CORE), str(tmp_path)])
    environment = os.environ | {'PYTHONPATH': places, 'PYTHONDONTWRITEBYTECODE': '1'}
    command = [sys.executable, '-c', WATCH, str(tmp_path), str(digits / 'digits.keras'), *map(str, paths)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    executed, grown, witnessed = map(int, result.stdout.split('\n')[0].split())
    assert witnessed >= 2  # the hook saw a pickle and code that the script itself ran at last
    assert executed == 0, result.stdout
    assert grown < MAX_GROWTH_MB
    assert not list(tmp_path.rglob(CANARY))
    assert len(CASES) >= 20
