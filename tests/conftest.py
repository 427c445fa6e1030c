"""Refuse to test stale kernels, leave slow tests to --run-slow, and find the shared reference material."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / 'shared'


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--run-slow', action='store_true', help='run the tests marked slow, too')
    parser.addoption('--update-golden', action='store_true', help='rewrite the golden files')


def pytest_configure(config: pytest.Config) -> None:
    for pyx in (ROOT / 'core').rglob('*.pyx'):
        built = list(pyx.parent.glob(f'{pyx.stem}.*.so'))
        if not built or max(so.stat().st_mtime for so in built) < pyx.stat().st_mtime:
            raise pytest.UsageError(f'{pyx.relative_to(ROOT)} is newer than its build; run `make build`')


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption('--run-slow'):
        return
    for item in items:
        if 'slow' in item.keywords:
            item.add_marker(pytest.mark.skip(reason='slow: run with --run-slow'))


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder of reference models and reports beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip('no ../shared folder with the reference models')
    return SHARED


def interpreter(variable: str, has: str) -> str:
    """An interpreter with what the tests' own has not, by an environment variable."""
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f'{variable} names no interpreter with {has}')
    return path


@pytest.fixture(scope='session')
def hgq_python() -> str:
    return interpreter('DA4ML_HGQ_PYTHON', 'hgq2 and a Keras backend')


@pytest.fixture(scope='session')
def qonnx_python() -> str:
    return interpreter('DA4ML_QONNX_PYTHON', 'qonnx')


@pytest.fixture(scope='session')
def torch_python() -> str:
    return interpreter('DA4ML_TORCH_PYTHON', 'torch and brevitas')


@pytest.fixture(scope='session')
def hls4ml_python() -> str:
    return interpreter('DA4ML_HLS4ML_PYTHON', 'hls4ml and keras, and without da4ml')


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption('--update-golden'))
