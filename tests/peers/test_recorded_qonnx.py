"""A recorded QONNX model from the command line: the order of its outputs is that of the recorded probabilities."""

import numpy as np

from da4ml_flow.cli.main import run


def test_the_tagger_picks_the_recorded_classes(shared, tmp_path, capsys):
    model = shared / 'models' / 'qonnx' / 'jettagging_qkeras_w6a6.onnx'
    data = model.with_suffix('.io.npz')
    output = tmp_path / 'y.npz'
    assert run(['predict', str(model), str(data), '--input-type', 'fixed<3,23>', '--output', str(output)]) == 0
    assert 'Softmax_0 (Softmax) is dropped' in capsys.readouterr().err
    logits = np.load(output)['y']
    recorded = np.load(data)['y'].reshape(logits.shape)
    assert np.array_equal(logits.argmax(axis=1), recorded.argmax(axis=1))
