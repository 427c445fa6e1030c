"""Yosys for real: cell counts of a small kernel that can be checked by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from da4ml_flow.eda.backends import yosys
from da4ml_flow.errors import ToolFailed

pytestmark = pytest.mark.eda


@pytest.fixture(autouse=True)
def _tools(need: Callable[..., None]) -> None:
    need('yosys', 'make')


def test_xilinx_counts(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    done = yosys.synthesize(write_pair().rtl, 'xcup', tmp_path / 'synth')
    counted = done.resources
    assert counted.ffs == 7 + 6 + 5
    assert 6 <= counted.luts_logic <= 13
    assert 2 <= counted.carry <= 4
    assert (counted.luts_memory, counted.dsps, counted.brams, counted.urams) == (0, 0, 0, 0)
    assert done.log.is_file()
    assert done.peak_mb > 10


def test_ecp5_counts(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    counted = yosys.synthesize(write_pair().rtl, 'ecp5', tmp_path / 'synth').resources
    assert counted.ffs == 7 + 6 + 5
    assert counted.luts >= 2 * counted.carry


def test_a_broken_source_is_a_failed_tool(write_pair: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ToolFailed) as caught:
        yosys.synthesize(write_pair('module pair', 'module other').rtl, 'xcup', tmp_path / 'synth')
    assert 'pair' in caught.value.notes[0]
    assert 'ERROR' in caught.value.notes[0]
