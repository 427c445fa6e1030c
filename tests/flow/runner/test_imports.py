"""Runs from folders: our records and anyone's reports, once each, whatever else is in the tree."""

import json
import os
import shutil
from pathlib import Path

import pytest
from reports import test_vitis_csynth

from da4ml_flow.cli.main import run
from da4ml_flow.results.store import Store
from da4ml_flow.runner.build import build
from da4ml_flow.runner.imports import read_records, read_reports

ROUTED = {
    ('luts', 5804),
    ('ffs', 3420),
    ('carry', 666),
    ('dsps', 80),
    ('wns_ns', 0.822),
    ('tns_ns', 0),
    ('whs_ns', -0.267),
    ('clock_ns', 5),
}


@pytest.fixture
def projects(shared: Path, tmp_path: Path) -> Path:
    """Three projects as the peers lay them out."""
    root = tmp_path / 'projects'
    for name, folder, inside in (
        ('jet-bits=6-beta=0.1', 'vivado', 'output_vmodel/reports'),
        ('quartus', 'quartus', 'output_vmodel'),
        ('hls', 'vitis_hls', 'output_hmodel/test_ooc/syn/report'),
    ):
        shutil.copytree(shared / 'reports' / folder, root / name / inside)
        metadata = root / name / inside / 'metadata.json'
        if metadata.exists():
            metadata.rename(root / name / 'metadata.json')
    return root


def figures(record, stage):
    return {(metric.name, metric.value) for metric in record.metrics if metric.stage == stage}


def test_the_known_answers(projects: Path) -> None:
    found = read_reports(projects)
    assert found.problems == ()
    hls, vivado, quartus = found.runs
    assert figures(vivado, 'implement') >= ROUTED
    assert ('luts', 4855) in figures(vivado, 'synthesize')
    assert figures(vivado, 'emit') == {
        ('lut_estimate', 11335),
        ('latency_cycles', 11),
        ('register_bits', 6224),
        ('clock_ns', 5),
    }
    assert figures(quartus, 'implement') >= {('alms', 2657), ('luts', 4381), ('ffs', 4260)}
    assert {'luts', 'ii', 'latency_cycles'} <= {metric.name for metric in hls.metrics}
    assert vivado.name == 'jet-bits=6-beta=0.1'
    assert vivado.config['parameters'] == {'bits': '6', 'beta': '0.1'}
    assert vivado.config['metadata']['latency_cutoff'] == 2
    assert vivado.config['designs'] == ['vmodel']
    routed = next(stage.record for stage in vivado.stages if stage.stage == 'implement')
    assert [(tool.name, tool.version) for tool in routed.tools] == [('vivado', '2025.1')]
    assert routed.artifacts['vmodel_post_route_util.rpt'].path == 'output_vmodel/reports/vmodel_post_route_util.rpt'


def test_again_is_the_same(projects: Path, tmp_path: Path) -> None:
    database = f'sqlite:///{tmp_path}/d.sqlite'
    for _ in range(2):
        assert run(['import-reports', str(projects), '--database', database]) == 0
    stored = Store(tmp_path / 'd.sqlite', create=False).runs()
    assert len(stored) == 3
    shutil.move(projects / 'quartus', tmp_path / 'quartus')  # elsewhere it is the same run
    assert run(['import-reports', str(tmp_path / 'quartus'), '--database', database]) == 0
    assert len(Store(tmp_path / 'd.sqlite', create=False).runs()) == 3


def test_a_new_report_is_a_new_run(projects: Path) -> None:
    before = {record.uid for record in read_reports(projects).runs}
    report = projects / 'quartus' / 'output_vmodel' / 'vmodel.fit.rpt'
    report.write_text(report.read_text() + '\n')
    assert len(before & {record.uid for record in read_reports(projects).runs}) == 2


@pytest.mark.weak_spot('9.2', 'report loader')
def test_a_bad_file_does_not_stop_the_rest(projects: Path, tmp_path: Path, capsys) -> None:
    reports = projects / 'jet-bits=6-beta=0.1' / 'output_vmodel' / 'reports'
    timing = reports / 'vmodel_post_route_timing.rpt'
    timing.write_text(timing.read_text()[:3000])
    (reports / 'empty.rpt').touch()
    (reports / 'binary.rpt').write_bytes(bytes(range(256)) * 9)
    (projects / 'quartus' / 'metadata.json').write_text('{"cost": 1, "flavor"')
    (projects / 'loop').symlink_to(projects)
    code = run(['import-reports', str(projects), '--database', f'sqlite:///{tmp_path}/d.sqlite', '--json'])
    assert code == 1
    shown = json.loads(capsys.readouterr().out)
    places = {Path(problem['location'].rpartition(':')[0] or problem['location']).name for problem in shown['problems']}
    assert len(shown['problems']) == 3
    assert {'vmodel_post_route_timing.rpt', 'empty.rpt', 'metadata.json'} <= {place.split(':')[0] for place in places}
    assert len(shown['runs']) == 3
    vivado = next(item for item in read_reports(projects).runs if 'jet' in item.name)
    assert ('luts', 5804) in figures(vivado, 'implement')
    assert 'wns_ns' not in {name for name, _ in figures(vivado, 'implement')}


def test_reports_that_disagree_give_no_figure(projects: Path) -> None:
    reports = projects / 'jet-bits=6-beta=0.1' / 'output_vmodel' / 'reports'
    synthesis = (reports / 'vmodel_post_synth_util.rpt').read_text()
    (reports / 'other.rpt').write_text(synthesis.replace('Design State : Synthesized', 'Design State : Routed'))
    found = read_reports(projects)
    vivado = next(item for item in found.runs if 'jet' in item.name)
    assert 'luts' not in {name for name, _ in figures(vivado, 'implement')}
    assert ('dsps', 80) in figures(vivado, 'implement')
    assert any('disagree about luts: 4855 in' in problem.message for problem in found.problems)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read anything')
def test_a_folder_without_permission_is_a_problem(projects: Path) -> None:
    (projects / 'hls').chmod(0)
    try:
        found = read_reports(projects)
    finally:
        (projects / 'hls').chmod(0o755)
    assert len(found.runs) == 2
    assert 'cannot be read' in found.problems[0].message


def test_our_records_make_the_database_again(request_of, chain, tmp_path: Path) -> None:
    record = build(request_of(), chain).run
    bad = tmp_path / 'build' / 'jet' / 'runs' / 'bad.json'
    bad.write_text('{}')
    database = f'sqlite:///{tmp_path}/again.sqlite'
    assert run(['ingest', str(tmp_path / 'build'), '--database', database]) == 1
    bad.unlink()
    assert run(['ingest', str(tmp_path / 'build'), '--database', database]) == 0
    (stored,) = Store(tmp_path / 'again.sqlite', create=False).runs()
    assert (stored.uid, stored.metrics) == (record.uid, record.metrics)
    assert read_records(tmp_path / 'build').runs == (record,)


def test_reports_of_our_own_stages_are_left_to_their_records(request_of, chain, projects: Path, tmp_path: Path) -> None:
    chain[3].action = lambda context: shutil.copytree(projects, context.directory / 'projects')
    build(request_of(), chain)
    assert read_reports(tmp_path / 'build').runs == ()


def test_reports_of_yosys_and_nextpnr(tmp_path: Path) -> None:
    """Known by what is in them; other JSON is passed over, and a damaged report is a problem."""
    samples = Path(__file__).parents[1] / 'eda' / 'parsers' / 'reports'
    for name in ('yosys_ecp5.json', 'nextpnr.json'):
        (tmp_path / name).write_bytes((samples / name).read_bytes())
    (tmp_path / 'package.json').write_text('{"name": "x"}')
    (tmp_path / 'notes.json').write_text('no JSON at all')
    found = read_reports(tmp_path)
    assert found.problems == ()
    (record,) = found.runs
    top = json.loads((samples / 'yosys_ecp5.json').read_text())['modules']
    ffs = sum(module['num_cells_by_type'].get('TRELLIS_FF', 0) for module in top.values())
    assert ('ffs', ffs) in figures(record, 'synthesize')
    (fmax,) = json.loads((samples / 'nextpnr.json').read_text())['fmax'].values()
    assert figures(record, 'implement') == {('fmax_mhz', fmax['achieved'])}
    (tmp_path / 'nextpnr.json').write_text((samples / 'nextpnr.json').read_text().replace('"achieved"', '"reached"'))
    assert len(read_reports(tmp_path).problems) == 1


def csynth_xml(top: str, luts: int) -> str:
    text = test_vitis_csynth.XML.replace('<TopModelName>top<', f'<TopModelName>{top}<')
    return text.replace('<LUT>8851</LUT>', f'<LUT>{luts}</LUT>')


def test_a_project_of_hls4ml(shared: Path, tmp_path: Path) -> None:
    """Reports of every module lie beside the summary, and Vivado's in the folder above: one run, of the whole."""
    project = tmp_path / 'taggers' / 'jet-bits=6'
    reports = project / 'myproject_prj' / 'solution1' / 'syn' / 'report'
    reports.mkdir(parents=True)
    (reports / 'csynth.xml').write_text(csynth_xml('myproject', 700))
    (reports / 'myproject_csynth.xml').write_text(csynth_xml('myproject', 700))
    (reports / 'dense_latency_0_csynth.xml').write_text(csynth_xml('dense_latency_0', 300))
    (reports / 'relu_csynth.xml').write_text(csynth_xml('relu', 40))
    shutil.copy(shared / 'reports' / 'vivado' / 'vmodel_post_synth_util.rpt', project / 'vivado_synth.rpt')
    found = read_reports(tmp_path)
    assert found.problems == ()
    (record,) = found.runs
    assert (record.name, record.config['parameters']) == ('jet-bits=6', {'bits': '6'})
    assert ('luts', 700) in figures(record, 'hls')
    assert ('luts', 4855) in figures(record, 'synthesize')
    (reports / 'csynth.xml').unlink()  # now nothing says which module is the whole
    found = read_reports(tmp_path)
    assert {'luts'} <= {problem.message.split()[3].rstrip(':') for problem in found.problems}
    assert 'luts' not in {name for name, _ in figures(found.runs[0], 'hls')}


def test_ingest_takes_records_and_reports(request_of, chain, projects: Path, tmp_path: Path, capsys) -> None:
    record = build(request_of(), chain).run
    projects.rename(tmp_path / 'build' / 'of others')
    failed = tmp_path / 'build' / 'jet' / 'hls-0123456789ab.failed' / 'reports'
    shutil.copytree(tmp_path / 'build' / 'of others' / 'hls', failed)
    database = f'sqlite:///{tmp_path}/all.sqlite'
    for _ in range(2):
        capsys.readouterr()
        assert run(['ingest', str(tmp_path / 'build'), '--database', database, '--json']) == 0
        shown = json.loads(capsys.readouterr().out)
        assert {item['name'] for item in shown['runs']} == {'jet', 'jet-bits=6-beta=0.1', 'quartus', 'hls'}
        stored = Store(tmp_path / 'all.sqlite', create=False).runs()
        assert len(stored) == 4
    assert record.uid in {item.uid for item in stored}
    cut = tmp_path / 'build' / 'of others' / 'quartus' / 'output_vmodel' / 'vmodel.sta.rpt'
    cut.write_text(cut.read_text()[:2000])
    assert run(['ingest', str(tmp_path / 'build'), '--database', database]) == 1
    said = capsys.readouterr()
    assert f'--> {cut}:' in said.err
    assert '4 runs from' in said.out
    assert ', 1 with a problem' in said.out
