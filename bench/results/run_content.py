"""Records of runs as builds leave them, with some 40 figures each, made up from a number: the same each time."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from da4ml_flow.config.load import load_config
from da4ml_flow.config.text import plain_data
from da4ml_flow.results.metrics import Metric, ToolVersion, measure
from da4ml_flow.results.record import Artifact, RunRecord, StageRecord, StageRun, digest

CONFIG = Path(__file__).parents[2] / 'configs' / 'digits' / 'digits.yaml'
NAMES = ('jet', 'digits', 'muon_trigger', 'anomaly', 'regression')
EFFORTS = ('fast', 'balanced', 'max')
DAY = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS = range(1, 4)
TOOLS = {
    'lint': ('verilator', '5.032'),
    'simulate': ('verilator', '5.032'),
    'synthesize': ('yosys', '0.52'),
    'implement': ('nextpnr-ecp5', '0.8'),
}
ARTIFACTS = {'trace': ('program',), 'emit': ('rtl', 'core'), 'simulate': ('log',), 'synthesize': ('netlist', 'log')}


@cache
def _settings() -> dict[str, Any]:
    loaded = load_config(CONFIG)
    return plain_data(loaded.config, loaded.root)


def _config(number: int) -> dict[str, Any]:
    config = deepcopy(_settings())
    config['name'] = NAMES[number % len(NAMES)]
    config['rtl']['clock_ns'] = 2.5 + number % 6 / 2
    config['optimizer']['effort'] = EFFORTS[number % len(EFFORTS)]
    return config


def _figures(number: int) -> dict[str, list[Metric]]:
    """42 of them; a congruence spreads the sizes over a decade."""
    luts = 500 + number * 7919 % 10_007
    tool = {'tool': 'nextpnr-ecp5', 'stage': 'implement'}
    seeds = [
        measure(name, value + seed, part=f'ecp5-85k seed {seed}', **tool)
        for seed in SEEDS
        for name, value in (('luts', luts * 1.1), ('ffs', luts * 0.6), ('fmax_mhz', 180 - luts / 100))
    ]
    whole = {'luts': luts * 1.1, 'ffs': luts * 0.6, 'fmax_mhz': 180 - luts / 100, 'wns_ns': 0.4, 'carry': luts // 9}
    summary = {'fmax_min_mhz': 170 - luts / 100, 'fmax_max_mhz': 190 - luts / 100}
    given = {
        'trace': {
            'ops': luts // 3,
            'adders': luts // 5,
            'lut_estimate': luts * 0.97,
            'depth': 4 + number % 9,
            'register_bits': luts // 2,
            'stage_delay_ns': 1.9,
            'trace_s': 0.3,
            'solve_s': 2.5,
            'latency_cycles': 5 + number % 7,
            'ii': 1,
            'clock_ns': 2.5 + number % 6 / 2,
            'latency_ns': 5 * (5 + number % 7),
        },
        'simulate': {'sim_samples': 2000, 'sim_mismatches': 0, 'accuracy': 60 + number * 31 % 4001 / 100},
        'synthesize': {
            'luts': luts,
            'luts_logic': luts - 12,
            'luts_memory': 12,
            'ffs': luts // 2,
            'carry': luts // 8,
            'dsps': 0,
            'brams': 0,
            'urams': 0,
            'synth_s': 31.0,
            'cpu_s': 30.5,
            'peak_mb': 412.0,
        },
    }
    found = {
        stage: [measure(name, value, stage=stage, tool=TOOLS.get(stage, ('',))[0]) for name, value in values.items()]
        for stage, values in given.items()
    }
    figures = [measure(name, value, part='ecp5-85k', **tool) for name, value in {**whole, **summary}.items()]
    return {**found, 'implement': [*figures, *seeds]}


def run_record(number: int) -> RunRecord:
    """The run of that number."""
    config, figures = _config(number), _figures(number)
    started = (DAY + timedelta(seconds=40 * number)).isoformat()
    stages = []
    for stage in ('trace', 'emit', 'lint', 'simulate', 'synthesize', 'implement', 'collect'):
        key = digest([stage, number])
        tools = (ToolVersion(*TOOLS[stage], f'/usr/bin/{TOOLS[stage][0]}'),) if stage in TOOLS else ()
        names = ARTIFACTS.get(stage, ())
        artifacts = {name: Artifact(name, digest([key, name]), 1000 + number) for name in names}
        record = StageRecord(
            stage, key, {}, {}, artifacts, tuple(figures.get(stage, ())), tools, True, '', started, 12.5, '0.1.0'
        )
        directory = f'/home/da4ml/builds/{config["name"]}/{stage}-{key[:12]}'
        stages.append(StageRun(stage, 'ok', wall_s=12.5, directory=directory, record=record))
    return RunRecord(
        uid=f'{digest(number)[:8]}-{number:09}',
        name=config['name'],
        config=config,
        config_hash=digest(config),
        status='no' if number % 97 == 0 else 'ok',
        started=started,
        wall_s=75.0,
        host=f'node{number % 16}',
        user='da4ml',
        git_commit=digest(number // 50)[:40],
        git_dirty=number % 10 == 0,
        package_version='0.1.0',
        stages=tuple(stages),
    )


def run_records(first: int, count: int) -> Iterator[RunRecord]:
    return map(run_record, range(first, first + count))
