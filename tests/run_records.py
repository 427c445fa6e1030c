"""A run with a stage and what it measured, for tests of what keeps runs."""

from da4ml_flow.results.metrics import measure
from da4ml_flow.results.record import Artifact, RunRecord, StageRecord, StageRun


def run_record(uid: str = 'u1', luts: int = 12, **changes) -> RunRecord:
    record = StageRecord(
        stage='synthesize',
        key='k' * 64,
        settings={},
        inputs={},
        artifacts={'netlist': Artifact('netlist.json', 'b' * 64, 1 << 40)},
        metrics=(
            measure('luts', luts, stage='synthesize', tool='yosys', part='xcup'),
            measure('ffs', 3, stage='synthesize', tool='yosys', part='xcup'),
        ),
        tools=(),
        ok=True,
        message='',
        started='2026-01-01',
        wall_s=1.5,
        package_version='0.1.0',
    )
    values = {
        'uid': uid,
        'name': 'jet',
        'config': {'name': 'jet'},
        'config_hash': 'c' * 64,
        'status': 'ok',
        'started': '2026-01-01',
        'wall_s': 2.0,
        'host': 'h',
        'user': 'u',
        'git_commit': 'd' * 40,
        'git_dirty': True,
        'package_version': '0.1.0',
        'stages': (StageRun('synthesize', 'ok', False, 1.5, '/build', '', record), StageRun('implement', 'skipped')),
    }
    return RunRecord(**{**values, **changes})
