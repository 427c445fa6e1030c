"""Damaged and malicious model files by name: a writer, the error that each must end in, and what that must say."""

import gzip
import io
import json
import pickle
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from onnx_writer import OnnxFile, field, tensor

from da4ml_core.errors import CorruptModel, Da4mlError, IRError, UnsupportedLayer

Writer = Callable[[Path, object], Path]

CASES: dict[str, tuple[Writer, type[Da4mlError], str]] = {}
CANARY = 'canary.txt'
EVIL = 'evil_package'  # importable, and its import leaves the canary
KERNEL = 'layers/q_dense/vars/0'
WEIGHTS = np.array([[1.0, -2.0], [0.5, 1.0]], dtype=np.float32)


class Payload:
    """Whoever unpickles it writes the canary."""

    def __init__(self, folder: Path) -> None:
        self.canary = folder / CANARY

    def __reduce__(self):
        return Path.write_text, (self.canary, 'executed')


def case(error: type[Da4mlError], message: str):
    """Register the writer under its own name, in words."""

    def register(writer: Writer) -> Writer:
        CASES[writer.__name__.replace('_', ' ')] = (writer, error, message)
        return writer

    return register


def rewritten(folder: Path, model, members: dict[str, bytes]) -> Path:
    """The model file with some members replaced."""
    held = {'config.json': json.dumps(model.config).encode(), 'model.weights.h5': model.hdf5()} | members
    path = folder / 'm.keras'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as opened:
        for name, data in held.items():
            opened.writestr(name, data)
    return path


def hdf5(build) -> bytes:
    image = io.BytesIO()
    with h5py.File(image, 'w') as file:
        build(file)
    return image.getvalue()


def onnx() -> OnnxFile:
    """A quantized input of two numbers; add what you like."""
    model = OnnxFile([1, 2])
    model.quant('x', 0.25, 4)
    return model


@case(CorruptModel, r'not a whole \.keras file')
def a_pickle_named_keras(folder, model):
    path = folder / 'm.keras'
    path.write_bytes(pickle.dumps(Payload(folder)))
    return path


@case(CorruptModel, 'not JSON')
def a_pickle_as_configuration(folder, model):
    return rewritten(folder, model, {'config.json': pickle.dumps(Payload(folder))})


@case(CorruptModel, 'not a whole HDF5 file')
def a_pickle_as_weights(folder, model):
    return rewritten(folder, model, {'model.weights.h5': pickle.dumps(Payload(folder))})


@case(CorruptModel, 'not numbers')
def a_pickle_in_a_variable(folder, model):
    data = hdf5(lambda file: file.create_dataset(KERNEL, data=np.void(pickle.dumps(Payload(folder)))))
    return rewritten(folder, model, {'model.weights.h5': data})


@case(CorruptModel, 'wire type|no ONNX model|in the middle')
def a_pickle_named_onnx(folder, model):
    path = folder / 'm.onnx'
    path.write_bytes(pickle.dumps(Payload(folder)))
    return path


@case(UnsupportedLayer, 'Lambda')
def code_in_a_lambda_layer(folder, model):
    text = f'open({str(folder / CANARY)!r}, "w")'
    model.add('keras', 'Lambda', 'code', 'dense', function={'class_name': '__lambda__', 'config': {'code': text}})
    return model.write(folder / 'm.keras')


@case(UnsupportedLayer, 'evil_package')
def a_custom_layer_whose_module_runs_code(folder, model):
    model.add('keras', 'Thing', 'thing', 'dense')
    model.layers[-1].update(module=EVIL, registered_name=f'{EVIL}>Thing')
    return model.write(folder / 'm.keras')


@case(UnsupportedLayer, 'function')
def a_custom_function_in_a_table(folder, model):
    model.add('hgq', 'QUnaryFunctionLUT', 'lut', 'dense', iq_conf=None, oq_conf=None, enable_iq=False)
    code = {'module': EVIL, 'class_name': 'function', 'config': 'run', 'registered_name': 'run'}
    model.layers[-1]['config']['activation'] = code
    return model.write(folder / 'm.keras')


@case(CorruptModel, 'unpacks to more than 64 MB')
def a_zip_bomb_of_text(folder, model):
    return rewritten(folder, model, {'config.json': b' ' * (65 << 20)})


@case(CorruptModel, 'describes more than')
def a_bomb_of_zeros_in_hdf5(folder, model):
    def build(file: h5py.File) -> None:
        file.create_dataset(KERNEL, (1 << 40,), 'f4', chunks=(1 << 16,), compression='gzip')

    return rewritten(folder, model, {'model.weights.h5': hdf5(build)})


@case(IRError, 'MB of program')
def a_gzip_bomb(folder, model):
    path = folder / 'm.json.gz'
    with gzip.open(path, 'wb', compresslevel=1) as file:
        for _ in range(257):
            file.write(bytes(1 << 20))
    return path


@case(CorruptModel, 'has no config.json')
def members_outside_of_the_folder(folder, model):
    path = folder / 'm.keras'
    with zipfile.ZipFile(path, 'w') as opened:
        for name in ('../config.json', '/config.json', 'x/../config.json', '../../canary.txt'):
            opened.writestr(name, json.dumps(model.config))
        opened.writestr('model.weights.h5', model.hdf5())
    return path


@case(CorruptModel, 'not JSON')
def a_member_that_is_a_symbolic_link(folder, model):
    path = folder / 'm.keras'
    with zipfile.ZipFile(path, 'w') as opened:
        link = zipfile.ZipInfo('config.json')
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, '/etc/passwd')
        opened.writestr('model.weights.h5', model.hdf5())
    return path


@case(CorruptModel, '2 members named')
def a_member_twice(folder, model):
    path = model.write(folder / 'm.keras')
    with zipfile.ZipFile(path, 'a') as opened, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        opened.writestr('config.json', '{}')
    return path


@case(CorruptModel, 'link to elsewhere')
def an_hdf5_link_to_another_file(folder, model):
    def build(file: h5py.File) -> None:
        file['layers/q_dense/vars/0'] = h5py.ExternalLink('/etc/passwd', '/')

    return rewritten(folder, model, {'model.weights.h5': hdf5(build)})


@case(CorruptModel, 'data in another file')
def hdf5_numbers_in_another_file(folder, model):
    def build(file: h5py.File) -> None:
        file.create_dataset(KERNEL, (4,), 'f4', external=[('/etc/passwd', 0, 16)])

    return rewritten(folder, model, {'model.weights.h5': hdf5(build)})


@case(UnsupportedLayer, 'kept in another file')
def onnx_numbers_outside_of_the_folder(folder, model):
    place = field(13, field(1, 'location') + field(2, '../../../etc/passwd'))
    file = onnx()
    file.add('MatMul', file.last, 'w')
    file.constants.append(field(1, 2) + field(1, 2) + field(2, 1) + field(8, 'w') + place + field(14, 1))
    return file.write(folder)


@case(CorruptModel, 'not a whole')
def a_truncated_archive(folder, model):
    path = model.write(folder / 'm.keras')
    path.write_bytes(path.read_bytes()[:-200])
    return path


@case(CorruptModel, 'ends in the middle')
def a_truncated_onnx_file(folder, model):
    file = onnx()
    file.add('MatMul', file.last, WEIGHTS)
    path = file.write(folder)
    path.write_bytes(path.read_bytes()[:-40])
    return path


@case(CorruptModel, 'unknown wire type')
def bytes_that_are_no_protobuf(folder, model):
    path = folder / 'm.onnx'
    path.write_bytes(b'\x0f\x0e\x0d' * 100)
    return path


@case(CorruptModel, 'not JSON')
def a_configuration_nested_too_deep(folder, model):
    return rewritten(folder, model, {'config.json': b'[' * 100_000})


@case(CorruptModel, 'no variables for it')
def missing_weights(folder, model):
    model.arrays = {path: array for path, array in model.arrays.items() if 'q_dense/vars' not in path}
    del model.names['layers/q_dense']
    return model.write(folder / 'm.keras')


@case(CorruptModel, r'kernel has the shape \(4, 4\)')
def weights_of_another_shape(folder, model):
    model.arrays[KERNEL] = np.zeros((4, 4), np.float32)
    return model.write(folder / 'm.keras')


@case(CorruptModel, r'kernel holds nan at \[1, 2\]')
def a_weight_that_is_nan(folder, model):
    model.arrays[KERNEL][1, 2] = np.nan
    return model.write(folder / 'm.keras')


@case(CorruptModel, r"'c3' holds inf at \[0, 1\]")
def an_onnx_weight_that_is_infinite(folder, model):
    file = onnx()
    file.add('MatMul', file.last, np.array([[1, np.inf], [0, 1]], dtype=np.float32))
    return file.write(folder)


@case(CorruptModel, 'not numbers')
def weights_that_are_text(folder, model):
    return rewritten(folder, model, {'model.weights.h5': hdf5(lambda file: file.update({KERNEL: ['one', 'two']}))})


@case(UnsupportedLayer, 'element type 8')
def onnx_weights_that_are_text(folder, model):
    file = onnx()
    file.constants.append(field(1, 1) + field(2, 8) + field(8, 'w') + field(6, 'text'))
    file.add('MatMul', file.last, 'w')
    return file.write(folder)


@case(UnsupportedLayer, 'dynamic input shape')
def a_dynamic_shape(folder, model):
    model.layers[0]['config'].update(batch_shape=[None, None, 4])
    return model.write(folder / 'm.keras')


@case(UnsupportedLayer, r'has the shape \(1, \?\)')
def a_dynamic_onnx_shape(folder, model):
    file = OnnxFile([1, 0])
    file.quant('x', 0.25, 4)
    return file.write(folder)


@case(CorruptModel, 'elements')
def an_input_larger_than_memory(folder, model):
    model.layers[0]['config'].update(batch_shape=[None, 1 << 20, 1 << 20])
    return model.write(folder / 'm.keras')


@case(CorruptModel, 'has the shape')
def an_onnx_constant_larger_than_memory(folder, model):
    file = onnx()
    file.constants.append(field(1, 1 << 30) + field(1, 1 << 30) + field(2, 1) + field(8, 'w') + field(9, b'1234'))
    file.add('MatMul', file.last, 'w')
    return file.write(folder)


@case(CorruptModel, 'result would have the shape')
def onnx_constants_that_broadcast_without_end(folder, model):
    file = onnx()
    row, column = np.ones((1, 1 << 16), np.float32), np.ones((1 << 16, 1), np.float32)
    file.add('Add', 'x', file.add('Mul', row, column))
    return file.write(folder)


@case(CorruptModel, 'result would have the shape')
def onnx_constants_that_double_forty_times(folder, model):
    file = onnx()
    name = file.constant(np.ones((1, 1024), np.float32))
    for _ in range(40):
        name = file.add('Concat', name, name, axis=0)
    file.add('Add', 'x', name)
    return file.write(folder)


@case(UnsupportedLayer, 'cannot be applied to .* more than 16777216 elements')
def an_upsampling_larger_than_memory(folder, model):
    model.add('keras', 'Reshape', 'square', 'dense', target_shape=[1, 1, 3])
    model.add('keras', 'UpSampling2D', 'up', 'square', size=[65536, 65536], interpolation='nearest')
    return model.write(folder / 'm.keras')


@case(CorruptModel, 'wait for each other')
def a_cycle_of_layers(folder, model):
    model.layers[1]['inbound_nodes'][0]['args'][0]['config']['keras_history'][0] = 'dense'
    return model.write(folder / 'm.keras')


@case(CorruptModel, 'made by no node before it')
def a_cycle_of_onnx_nodes(folder, model):
    file = onnx()
    file.add('Add', 't2', file.last)
    file.add('Relu', file.last)
    return file.write(folder)


@case(IRError, 'hold 1099511627776 elements')
def a_program_of_huge_shapes(folder, model):
    path = folder / 'm.json'
    data = {'format': 'da4ml-flow program', 'version': 1, 'name': 'm', 'origins': [''], 'tables': [], 'ops': []}
    data |= {'outputs': [], 'input_shapes': [[1 << 40, 1 << 40]], 'output_shapes': [[1 << 40]]}
    path.write_text(json.dumps(data))
    return path


@case(IRError, 'counts fewer than nothing')
def a_binary_program_of_garbage(folder, model):
    path = folder / 'm.dais'
    path.write_bytes(struct.pack('<8i', 1, 0, 1 << 30, 1 << 30, 1 << 30, -1, -1, -1) + b'\xff' * 64)
    return path


@case(CorruptModel, 'which the shape')
def an_onnx_tensor_with_too_few_numbers(folder, model):
    file = onnx()
    whole = tensor('w', WEIGHTS)
    file.constants.append(whole.replace(field(9, WEIGHTS.tobytes()), field(9, WEIGHTS.tobytes()[:-4])))
    file.add('MatMul', file.last, 'w')
    return file.write(folder)
