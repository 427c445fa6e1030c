"""Every mistake of a configuration: the input, and the exact message that it gets."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from da4ml_flow.config.load import load_config
from da4ml_flow.errors import ConfigError

HERE = Path(__file__).parent
CASES = sorted(HERE.glob('DA*/*'))


@pytest.mark.parametrize('case', CASES, ids=lambda case: f'{case.parent.name}-{case.name}')
def test_message(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    (tmp_path / 'model.keras').write_bytes(b'')
    np.savez(tmp_path / 'data.npz', x=np.zeros((2, 3)), labels=np.zeros(2))
    np.savez(tmp_path / 'only_y.npz', y=np.zeros(2))
    if (case / 'config.yaml').exists():
        shutil.copy(case / 'config.yaml', tmp_path)
    options = (case / 'set.txt').read_text().splitlines() if (case / 'set.txt').exists() else []
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_config(Path('config.yaml'), options, environment={})
    message = str(caught.value).replace(str(tmp_path), '<folder>') + '\n'
    if update_golden:
        (case / 'message.txt').write_text(message)
    assert message == (case / 'message.txt').read_text()
    assert caught.value.code == case.parent.name
    assert caught.value.exit_code == 2
