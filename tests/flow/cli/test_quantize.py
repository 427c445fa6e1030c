"""`da4ml-flow quantize`: what bits buy on two float models, monotone enough to choose by."""

import json
from pathlib import Path

import pytest

from da4ml_flow.cli.main import run

DIGITS = Path(__file__).parents[3] / 'configs' / 'float_digits'


def table(capsys, *arguments: str) -> dict:
    assert run(['quantize', *arguments, '--effort', 'fast', '--json']) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_a_jet_tagger_agrees_more_with_its_float_model_by_every_bit(shared, capsys):
    model = shared / 'models' / 'float' / 'KERAS_3layer.json'
    samples = shared / 'models' / 'hgq2' / 'jsc_openml_acc77.1.io.npz'
    rows = table(capsys, str(model), str(samples))['rows']
    assert [row['bits'] for row in rows] == [3, 4, 5, 6, 7, 8]
    for key in ('same_class', 'adders', 'lut_estimate'):
        values = [row[key] for row in rows]
        assert values == sorted(values), key
    assert rows[-1]['same_class'] > 97


@pytest.mark.slow
def test_digits_cost_more_by_every_bit_and_come_close_to_the_float_model(capsys):
    data = str(DIGITS / 'digits_float.npz')
    found = table(capsys, str(DIGITS / 'digits_float.keras'), data, '--labels', 'y', '--calibration', 'calibration')
    rows = found['rows']
    for key in ('adders', 'lut_estimate'):
        values = [row[key] for row in rows]
        assert values == sorted(values), key
    # 360 images: one is 0.28 %
    assert rows[1]['accuracy'] > rows[0]['accuracy'] > found['float_accuracy'] - 6
    assert all(row['accuracy'] >= found['float_accuracy'] - 1 for row in rows[1:])
