"""The passes that take the place of hls4ml's own; imported when hls4ml asks for them, and so not without it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hls4ml.backends.vivado.passes import distributed_arithmetic as original
from hls4ml.model.layers import DACombinational
from hls4ml.model.optimizer import optimizer
from hls4ml.model.optimizer.passes import bit_exact
from hls4ml.model.types import Source

from da4ml_core.codegen.hls_function import emit_hls_function
from da4ml_flow.integrations.hls4ml_layer import KerasLayer
from da4ml_flow.integrations.hls4ml_products import cost, product_program, written_weights


class DistributedArithmeticCodegen(original.DistributedArithmeticCodegen):
    """Dense and convolutions: one adder graph, which hls4ml calls at each position."""

    def transform(self, model: Any, node: Any) -> None:
        kernel = written_weights(node.attributes['weight'])
        kernel = kernel.reshape(-1, kernel.shape[-1])
        bias = node.attributes['bias']
        offsets = None if bias is None else written_weights(bias).ravel()
        program = product_program(original.get_kernel_inp_kif(node), kernel, offsets)
        node.attributes['da_kernel_cost'] = cost(program)
        text = emit_hls_function(program, f'dense_da_{node.index}')
        if model.config.get_config_value('IOType') != 'io_parallel':
            text += '\n' + original.add_kernel_wrapper(node.index, *kernel.shape)
        node.set_attr('da_codegen', Source(text))


class DistributedArithmeticEinsumCodegen(original.DistributedArithmeticEinsumCodegen):
    """EinsumDense: one adder graph for each index that both operands share."""

    def transform(self, model: Any, node: Any) -> None:
        kernel = written_weights(node.attributes['weight'])
        shared, contracted, kept = kernel.shape
        free = node.attributes['n_free_data']
        kif = original.get_kernel_inp_kif(node)
        texts, calls, total = [], [], 0.0
        for place in range(shared):
            name = f'einsum_{node.index}_da_{place}_of_{shared}'
            k, i, f = (part[place] for part in kif)
            program = product_program((k, i, f), kernel[place])
            total += cost(program)
            texts.append(emit_hls_function(program, name))
            position = f'({place} * {free} + l0)'
            calls.append(f'{name}(&inp_tpose[{position} * {contracted}], &out_tpose[{position} * {kept}]);')
        texts.append(
            original.kernel_fn_template.format(
                index=node.index,
                inp_tpose=free * contracted * shared,
                out_tpose=free * kept * shared,
                fn_call_str='\n    '.join(calls),
            )
        )
        node.attributes['da_kernel_cost'] = total
        node.attributes['da_codegen'] = Source('\n'.join(texts))
        for name in ('weight_data', 'weight', 'weight_t'):
            del node.attributes[name]


class DACombinationalTemplate(original.DACombinationalTemplate):
    """A whole layer as one function, of the types that its input turned out to have."""

    def transform(self, model: Any, node: Any) -> None:
        layer: KerasLayer = node.attributes['da_comb_logic']
        if model.config.get_config_value('IOType') != 'io_parallel':
            raise ValueError(f'layer {node.name!r} ({layer.class_name}) is one function: it needs io_parallel')
        precision = node.get_input_variable().type.precision
        signed = int(precision.signed)
        shape = tuple(node.get_input_variable().shape)
        whole, fraction = precision.integer - signed, precision.width - precision.integer
        program = layer.program((np.full(shape, signed), np.full(shape, whole), np.full(shape, fraction)))
        name = f'da_comblogic_{node.index}'
        node.attributes['da_kernel_cost'] = cost(program)
        node.attributes['da_codegen'] = Source(emit_hls_function(program, name))
        space = model.config.get_writer_config().get('Namespace', None) or 'nnet'
        input_, output = node.get_input_variable(), node.get_output_variable()
        types = f'{input_.type.name}, {output.type.name}'
        node.attributes['function_cpp'] = f'{space}::{name}<{types}>({input_.name}, {output.name});'


BACKENDS = ('vivado', 'vitis')
PASSES = {
    'distributed_arithmetic_codegen': DistributedArithmeticCodegen,
    'distributed_arithmetic_einsum_codegen': DistributedArithmeticEinsumCodegen,
    'd_a_combinational_template': DACombinationalTemplate,
}


def replace_passes() -> None:
    """Put ours where the flows of the backends look the passes up by name."""
    for backend in BACKENDS:
        for name, kind in PASSES.items():
            key = f'{backend}:{name}'
            if key in optimizer.optimizer_map:  # Vitis shares most of its passes with Vivado
                optimizer.optimizer_map[key] = kind()
    bit_exact._produce_kif.register(DACombinational, _produced)
    bit_exact._request_kif.register(DACombinational, _requested)


def _produced(layer: Any) -> Any:
    program = layer.attributes['da_comb_logic'].program(bit_exact.get_input_kifs(layer)[0])
    kinds = program.output_types
    shape = bit_exact.get_output_shape(layer)
    columns = zip(*[(kind.signed, kind.int_bits, kind.frac_bits) for kind in kinds], strict=True)
    return tuple(np.array(column, dtype=np.int16).reshape(shape) for column in columns)


def _requested(layer: Any) -> Any:
    """Every bit: what the layer does with them is not asked."""
    shape = tuple(layer.get_input_variable().shape)
    return (tuple(np.full(shape, number, dtype=np.int16) for number in (1, 126, 126)),)
