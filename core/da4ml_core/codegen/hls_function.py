"""A program as one C++ function template on arrays of ap_fixed, for a design whose files another tool writes."""

from __future__ import annotations

from da4ml_core.codegen.hls import Emission
from da4ml_core.codegen.hls_types import DIALECTS
from da4ml_core.codegen.names import check_identifier
from da4ml_core.codegen.ports import ordered_inputs
from da4ml_core.ir.program import Program


def emit_hls_function(program: Program, name: str) -> str:
    """``name<inp_t, out_t>(inp_t model_inp[n], out_t model_out[m])``, as hls4ml places such functions.

    Inputs are quantized to the types of the program, outputs to ``out_t``. Expects ``bit_shift<s>(x)``, the same bits
    as a number 2^s times as large, beside it. Raises CodegenError for a name that is no identifier.
    """
    check_identifier(name, 'function')
    emission = Emission(program, name, DIALECTS['vitis'])
    emission.shift = 'bit_shift'
    places = enumerate(index for index, _ in ordered_inputs(program))
    emission.input_names = {index: f'model_inp[{place}]' for place, index in places}
    body = list(emission.values())
    count = len(emission.input_names)
    outputs = [
        f'    model_out[{place}] = {emission.edge(edge) if kind.width_bits else "0"};'
        for place, (edge, kind) in enumerate(zip(program.outputs, program.output_types, strict=True))
    ]
    lines = [
        'template <typename inp_t, typename out_t>',
        f'void {name}(inp_t model_inp[{count}], out_t model_out[{len(outputs)}]) {{',
        '    #pragma HLS INLINE',
        *emission.tables_text(),
        *body,
        *outputs,
        '}',
    ]
    return '\n'.join(lines) + '\n'
