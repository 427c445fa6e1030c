"""The tool stages on a kernel written by hand: metrics, artifacts, and the answer no."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da4ml_core.ir.serialize import save_program
from da4ml_flow.config.model import BuildConfig, DatasetConfig, ModelConfig
from da4ml_flow.stages.base import StageContext, StageOutcome
from da4ml_flow.stages.implement import Implement
from da4ml_flow.stages.lint import Lint
from da4ml_flow.stages.simulate import Simulate
from da4ml_flow.stages.synthesize import Synthesize

pytestmark = pytest.mark.eda


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., StageOutcome]:
    def run_stage(stage: Any, design: Any, dataset: Path | None = None, **sections: Any) -> StageOutcome:
        source = tmp_path / 'model.keras'
        data = None if dataset is None else DatasetConfig(path=dataset, inputs='x')
        config = BuildConfig(name='pair', model=ModelConfig(source=source, dataset=data), **sections)
        program = tmp_path / 'program.json.gz'
        save_program(design.program, program)
        directory = tmp_path / f'{stage.name}_stage'
        directory.mkdir()
        assert stage.settings(config) is not None
        context = StageContext(config, {'program': program, 'rtl': design.rtl}, directory, lambda line: None)
        outcome = stage.run(context)
        assert outcome.tools == stage.tools(config)
        for path in outcome.artifacts.values():
            assert path.is_relative_to(directory)
            assert path.is_file()
        return outcome

    return run_stage


def values(outcome: StageOutcome) -> dict[str, float]:
    return {metric.name: metric.value for metric in outcome.metrics}


def test_a_stage_without_a_section_is_not_asked_for() -> None:
    config = BuildConfig(name='pair', model=ModelConfig(source='x'))
    assert all(stage.settings(config) is None for stage in (Lint(), Simulate(), Synthesize(), Implement()))


def test_lint(need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome]) -> None:
    need('verilator', 'perl', 'make')
    assert run(Lint(), write_pair(), lint={}).ok


def test_lint_says_no(
    need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome]
) -> None:
    need('verilator', 'perl', 'make')
    outcome = run(Lint(), write_pair("{2'b00, b, 1'b0}", 'b'), lint={})
    assert not outcome.ok
    assert outcome.message.startswith('1 lint warning; the first: src/da4ml_kernels_pair_0.1.0/pair.v:14: WIDTHEXPAND')


def test_simulate_a_dataset(
    need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome], tmp_path: Path
) -> None:
    need('verilator', 'perl', 'make', 'c++')
    dataset = tmp_path / 'data.npz'
    np.savez(dataset, x=np.random.default_rng(0).normal(0, 20, size=(50, 2)))
    outcome = run(Simulate(), write_pair(), dataset, simulate={'samples': 40})
    assert outcome.ok
    measured = values(outcome)
    assert measured['sim_samples'] > 40 + 256
    assert (measured['sim_mismatches'], measured['latency_cycles'], measured['ii']) == (0, 2, 1)
    compared, toggled = outcome.artifacts['simulation_report'].read_text().splitlines()
    assert compared.endswith('0 mismatches, latency 2 cycles')
    assert measured['still_port_bits'] == 0
    bits, total = toggled.removesuffix(' bits of the ports toggle').split(' of ')
    assert bits == total


def test_simulate_finds_a_wrong_bit(
    need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome]
) -> None:
    need('verilator', 'perl', 'make', 'c++')
    design = write_pair('{difference, sum}', "{difference, sum ^ {5'b0, a == 4'd7}}")
    outcome = run(Simulate(), design, simulate={'samples': 300})
    measured = values(outcome)
    assert not outcome.ok
    assert 0 < measured['sim_mismatches'] < measured['sim_samples'] / 4
    assert 'latency_cycles' not in measured
    lines = outcome.artifacts['simulation_report'].read_text().splitlines()
    assert lines[0].endswith('differ from the interpreter at the latency of 2 cycles')
    assert lines[1].startswith('sample ')
    assert 'output 0: expected ' in lines[1]
    assert 'got ' in lines[1]
    assert lines[1].endswith('(fixed<5,0>)')
    assert outcome.message == '; '.join(lines[:2])


@pytest.mark.slow
def test_simulate_finds_a_wrong_latency(
    need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome]
) -> None:
    need('verilator', 'perl', 'make', 'c++')
    outcome = run(Simulate(), write_pair(latency_cycles=3), simulate={'samples': 20})
    assert not outcome.ok
    assert values(outcome)['latency_cycles'] == 2
    assert 'right at a latency of 2 cycles' in outcome.message


def test_synthesize(
    need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome]
) -> None:
    need('yosys', 'make')
    outcome = run(Synthesize(), write_pair(), synthesize={'family': 'xc7'})
    measured = values(outcome)
    assert measured['luts'] == measured['luts_logic'] + measured['luts_memory'] > 0
    assert measured['ffs'] == 18
    assert {metric.part for metric in outcome.metrics} == {'xc7'}
    assert measured['synth_s'] > 0


def test_implement_with_a_clock(
    need: Callable[..., None], write_pair: Callable[..., Any], run: Callable[..., StageOutcome]
) -> None:
    need('yosys', 'nextpnr-ecp5', 'make')
    sections = {'implement': {'device': 'ecp5-12k', 'seeds': [3], 'clock_ns': 0.5}}
    outcome = run(Implement(), write_pair(), **sections)
    measured = values(outcome)
    assert not outcome.ok
    assert 'misses the clock of 0.5 ns' in outcome.message
    assert measured['wns_ns'] == pytest.approx(0.5 - 1000 / measured['fmax_mhz'], abs=1e-3)
    assert measured['ffs'] == 18
