"""The recorded outputs of real trained models, from the interpreter and from simulated hardware."""

import json

import pytest
from click.testing import CliRunner

from da4ml_flow.cli.main import cli

pytestmark = pytest.mark.eda


def predict(shared, model, *options):
    folder = shared / 'models' / 'hgq2'
    arguments = ['predict', str(folder / f'{model}.keras'), str(folder / f'{model}.io.npz'), '--compare', 'y']
    result = CliRunner().invoke(cli, [*arguments, *options, '--json'])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize('model', ['jsc_openml_acc73.3', 'jsc_openml_acc77.1'])
def test_the_interpreter_gives_the_recorded_outputs(shared, model):
    facts = predict(shared, model)
    assert (facts['compared'], facts['different']) == (2000 * 10, 0)


@pytest.mark.parametrize('levels', ['0', '3'])
@pytest.mark.parametrize('model', ['jsc_openml_acc73.3', 'jsc_openml_acc77.1'])
def test_simulated_hardware_gives_the_recorded_outputs(shared, model, levels):
    facts = predict(shared, model, '--rtl', '--samples', '500', '--max-levels', levels)
    assert (facts['compared'], facts['different']) == (500 * 10, 0)
    assert facts['engine'] == 'simulated RTL'
