"""The driver: every point once, whatever fails, is lost, or was there before."""

import sqlite3

import pytest

from da4ml_flow.sweep.campaign import Campaign
from da4ml_flow.sweep.ledger import Ledger
from da4ml_flow.sweep.pareto import front

AXES = '{optimizer.extra_depth: [0, 1, 2, 3], rtl.clock_ns: [4, 5]}'


@pytest.fixture
def run(plan_for, here, tmp_path, quiet):
    """Run a sweep from its text; the fake stages count how often they ran."""

    def run(sweep, losing=(), rest=''):
        plan = plan_for(sweep, rest)
        campaign = Campaign(plan, here(losing), Ledger(plan, tmp_path / 'r.sqlite').keep, quiet())
        campaign.run()
        return campaign

    return run


def stored(tmp_path):
    with sqlite3.connect(tmp_path / 'r.sqlite') as connection:
        found = connection.execute('SELECT key, status, run_id FROM sweep_point ORDER BY key').fetchall()
        runs = connection.execute('SELECT count(*) FROM run').fetchone()[0]
    connection.close()
    return found, runs


def test_points_share_stages_and_a_second_call_does_nothing(run, stages, tmp_path):
    first = run(f'{{axes: {AXES}}}')
    assert (first.counts.ok, first.counts.reused, first.counts.left) == (8, 0, 0)
    assert (stages[0].runs, stages[1].runs) == (4, 8)
    before = stored(tmp_path)
    second = run(f'{{axes: {AXES}}}')
    assert (second.counts.made, second.counts.reused) == (0, 8)
    assert (stages[0].runs, stages[1].runs) == (4, 8)
    assert stored(tmp_path) == before
    assert (len(before[0]), before[1]) == (8, 8)


def test_new_values_build_only_what_is_new(run, stages):
    run('{axes: {optimizer.extra_depth: [0, 1]}}')
    more = run('{axes: {optimizer.extra_depth: [0, 1, 2]}}')
    assert (more.counts.made, more.counts.reused) == (1, 2)


def test_a_changed_model_is_built_again(run, tmp_path, plan_for, monkeypatch, stages):
    monkeypatch.setattr(type(stages[0]), 'settings', lambda self, config: {'source': config.model.source})
    run('{axes: {rtl.clock_ns: [4, 5]}}')
    plan_for('{axes: {rtl.clock_ns: [4, 5]}}')
    original = run('{axes: {rtl.clock_ns: [4, 5]}}')
    assert original.counts.reused == 2
    (tmp_path / 'other.keras').write_bytes(b'other weights')
    changed = run('{axes: {model.source: [other.keras], rtl.clock_ns: [4, 5]}}')
    assert changed.counts.made == 2


def test_a_lost_database_is_made_again_from_the_records(run, tmp_path):
    run(f'{{axes: {AXES}}}')
    before = stored(tmp_path)
    (tmp_path / 'r.sqlite').unlink()
    assert run(f'{{axes: {AXES}}}').counts.made == 0
    again = stored(tmp_path)
    assert [row[:2] for row in again[0]] == [row[:2] for row in before[0]]
    assert again[1] == before[1]


def test_a_failed_point_stops_no_other_and_is_tried_again(run, tmp_path):
    axes = '{axes: {optimizer.extra_depth: [12, 13, 14]}}'
    first = run(axes)
    assert (first.counts.ok, first.counts.failed) == (2, 1)
    (failed,) = (record for record in first.records if record.status == 'failed')
    assert 'ValueError: an unlucky number' in failed.message
    assert failed.exit_code == 70
    assert len(stored(tmp_path)[0]) == 3
    second = run(axes)
    assert (second.counts.reused, second.counts.failed) == (2, 1)
    assert len(stored(tmp_path)[0]) == 3


def test_a_combination_that_is_no_configuration_is_a_failed_point(run):
    axes = '{rtl.pipeline.max_levels: [4, null], rtl.pipeline.input_registers: [true]}'
    campaign = run(f'{{axes: {axes}}}')
    assert (campaign.counts.ok, campaign.counts.failed) == (1, 1)
    (failed,) = (record for record in campaign.records if record.status == 'failed')
    assert 'design without a clock' in failed.message
    assert failed.exit_code == 2


def test_a_lost_process_is_replaced_and_its_point_tried_again(run, tmp_path):
    campaign = run(f'{{axes: {AXES}}}', losing=(1, 4))
    assert (campaign.counts.ok, campaign.counts.failed) == (8, 0)
    assert len(stored(tmp_path)[0]) == 8


def test_a_point_that_always_kills_its_process_fails_at_last(run):
    campaign = run('{axes: {rtl.clock_ns: [4]}, executor: {retries: 2}}', losing=(1, 2, 3))
    (record,) = campaign.records
    assert (record.status, record.exit_code) == ('failed', 3)
    assert record.message == 'its process was killed; tried 3 times'


def test_what_shares_a_stage_waits_until_that_is_there(run, here):
    campaign = run('{axes: {optimizer.extra_depth: [0, 1], rtl.clock_ns: [4, 5, 6]}}')
    order = [tuple(record.values.values()) for record in campaign.records]
    assert order[:2] == [(0, 4), (1, 4)]  # two workers begin with different first stages
    assert len(order) == 6


def test_a_budget_of_points_leaves_the_rest_for_the_next_call(run):
    first = run(f'{{axes: {AXES}, budget: {{points: 3}}}}')
    assert (first.counts.made, first.counts.left) == (3, 5)
    second = run(f'{{axes: {AXES}}}')
    assert (second.counts.made, second.counts.reused) == (5, 3)


def test_a_budget_of_time(run):
    assert run(f'{{axes: {AXES}, budget: {{hours: 1.0e-12}}}}').counts.made == 0


def test_whatever_ended_is_kept_when_the_driver_is_interrupted(plan_for, here, quiet, tmp_path):
    plan = plan_for(f'{{axes: {AXES}}}')
    engine = here()
    wait = engine.wait

    def interrupted(timeout_s):
        if engine.count == 3:
            raise KeyboardInterrupt
        return wait(timeout_s)

    engine.wait = interrupted
    campaign = Campaign(plan, engine, Ledger(plan, tmp_path / 'r.sqlite').keep, quiet())
    with pytest.raises(KeyboardInterrupt):
        campaign.run()
    assert engine.closed
    assert len(stored(tmp_path)[0]) == 3


TOOLS = 'synthesize: {}\nimplement: {}\n'
OBJECTIVES = 'objectives: [accuracy, lut_estimate]'


def test_clearly_worse_points_stop_early(run, tmp_path):
    # a deeper point is more accurate and larger: only the clock makes one worse than another
    axes = '{optimizer.extra_depth: [0, 1, 2, 3], rtl.clock_ns: [4, 900]}'
    campaign = run(f'{{axes: {axes}, {OBJECTIVES}, prune: {{margin: 10}}}}', rest=TOOLS)
    pruned = [record.values for record in campaign.records if record.status == 'pruned']
    assert {values['rtl.clock_ns'] for values in pruned} == {900}
    assert all(record.rung != 'full' for record in campaign.records if record.status == 'pruned')
    best = front(campaign.records, campaign.plan.objectives)
    assert {record.values['rtl.clock_ns'] for record in best} == {4}
    rows, _ = stored(tmp_path)
    assert [run for _, status, run in rows if status == 'pruned' and run is None] == []  # it was built that far
    again = run(f'{{axes: {axes}, {OBJECTIVES}, prune: {{margin: 10}}}}', rest=TOOLS)
    assert again.counts.made == 0
    without = run(f'{{axes: {axes}, {OBJECTIVES}}}', rest=TOOLS)
    assert without.counts.made == len(pruned)


def test_licences_limit_what_runs_at_once(plan_for, here, quiet):
    plan = plan_for(f'{{axes: {AXES}, executor: {{licences: {{yosys: 1}}}}}}', TOOLS)
    engine = here()
    most = []
    wait = engine.wait

    def watched(timeout_s):
        most.append(len(engine.waiting))
        return wait(timeout_s)

    engine.wait = watched
    campaign = Campaign(plan, engine, lambda records: None, quiet())
    campaign.run()
    assert (campaign.counts.ok, max(most)) == (8, 1)


NEEDS = '{memory_mb: 1000, stages: {trace: {memory_mb: 200}, emit: {memory_mb: 300}, synthesize: {cores: 2}}}'


def test_each_step_of_a_point_asks_for_what_its_stages_need(plan_for, here, quiet):
    campaign = Campaign(plan_for(f'{{axes: {AXES}, executor: {NEEDS}}}', TOOLS), here(), lambda _: None, quiet())
    asked = {}
    submit = campaign.engine.submit

    def watched(task, needs):
        asked.setdefault(task['key'], []).append((task['rung'], *needs))
        submit(task, needs)

    campaign.engine.submit = watched
    campaign.run()
    assert campaign.counts.ok == 8
    assert list(asked.values()) == [[('estimate', 1, 300), ('synthesize', 2, 1000), ('full', 1, 1000)]] * 8
    assert {record.rung for record in campaign.records} == {'full'}


def test_what_was_begun_and_does_not_fit_yet_goes_before_new_points(plan_for, here, quiet):
    sweep = f'{{axes: {AXES}, executor: {{stages: {{implement: {{memory_mb: 9000}}}}}}}}'
    engine = here()
    order, large = [], []
    fits, submit, wait = engine.fits, engine.submit, engine.wait
    # one large step at a time, and only when nothing else runs
    engine.fits = lambda needs: fits(needs) and not large and (needs.memory_mb < 9000 or not engine.waiting)

    def submitted(task, needs):
        order.append((task['key'], task['rung']))
        large.extend([task['key']] if needs.memory_mb == 9000 else [])
        submit(task, needs)

    def waited(timeout_s):
        done = wait(timeout_s)
        large[:] = [key for key in large if key != done[0].key]
        return done

    engine.submit, engine.wait = submitted, waited
    campaign = Campaign(plan_for(sweep, TOOLS), engine, lambda _: None, quiet())
    campaign.run()
    assert campaign.counts.ok == 8
    assert len(order) == len(set(order)) == 24
    begun = [order.index((key, 'estimate')) for key, rung in order if rung == 'full']
    ended = [place for place, (_, rung) in enumerate(order) if rung == 'full']
    assert max(end - begin for begin, end in zip(begun, ended, strict=True)) < 10
