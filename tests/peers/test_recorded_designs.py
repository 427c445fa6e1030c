"""Real trained models as hardware: every recorded output, in the predicted cycle, in both languages.

One command for all of it: `pytest --run-slow tests/peers/test_recorded_designs.py`.
"""

import numpy as np
import pytest
from kernel_simulation import Kernel, mismatches

import da4ml_core as dc
from da4ml_core.codegen import emit_rtl
from da4ml_core.device import DEFAULT_DEVICE, device
from da4ml_core.interp import encode, predict
from da4ml_core.passes.schedule import schedule

pytestmark = [pytest.mark.eda, pytest.mark.slow]

TAGGERS = ('jsc_openml_acc73.3.keras', 'jsc_openml_acc77.1.keras', 'jsc_openml_da4ml_acc76.86.h5')
CLOCKS_NS = (1.25, 2.5, 5.0)
SAMPLES = {'verilog': 2000, 'vhdl': 256}  # GHDL interprets each signal: of many samples it takes an hour


def recorded_kernel(program, language, clock_ns, x, y):
    """A design, combinational without a clock, to be fed with what was recorded and to give what was recorded."""
    limit = {} if clock_ns is None else {'max_delay_ns': clock_ns, 'device': device(DEFAULT_DEVICE)}
    name = 'kernel' if clock_ns is None else f'kernel_{round(1000 * clock_ns)}ps'
    bundle = emit_rtl(schedule(program, **limit), name, language)
    scales = np.array([2.0**kind.frac_bits for kind in program.output_types])
    codes = y.reshape(len(y), -1).astype(np.float64) * scales
    assert np.array_equal(codes, np.rint(codes))
    samples = [[int(code) for code in row] for row in encode(program, x)]
    return Kernel(bundle, program, samples, [[int(code) for code in row] for row in codes])


def load_recorded(shared, model, count=None):
    folder = shared / 'models' / 'hgq2'
    recorded = np.load(folder / f'{model.rpartition(".")[0]}.io.npz')
    x, y = recorded['x'][:count], recorded['y'][:count]
    program = dc.load_model(folder / model)
    assert np.array_equal(predict(program, x), y)
    return program, x, y


@pytest.mark.parametrize('language', ['verilog', 'vhdl'])
@pytest.mark.parametrize('model', TAGGERS)
def test_taggers_at_three_clocks_and_without_one(model, language, shared, tmp_path):
    program, x, y = load_recorded(shared, model, SAMPLES[language])
    assert len(x) == SAMPLES[language]
    kernels = [recorded_kernel(program, language, clock_ns, x, y) for clock_ns in (None, *CLOCKS_NS)]
    latencies = [kernel.bundle.latency_cycles for kernel in kernels]
    assert latencies[0] == 0
    assert latencies[1] > latencies[2] > latencies[3] > 0
    assert mismatches(kernels, tmp_path) == []


def test_linformer_in_verilog(shared, tmp_path):
    program, x, y = load_recorded(shared, 'linformer_8part.keras', 256)
    assert mismatches([recorded_kernel(program, 'verilog', 2.5, x, y)], tmp_path) == []
