"""Solve problems with a peer, in an environment of its own: one JSON request in, an answer a line for each problem.

A request is {peer, mode, extra, problems}, a problem {matrix, inputs}, an input [lo, hi, exp]. An answer has the graph
(``adders`` and ``outputs`` as in `da4ml_core.cmvm.check.Graph`; None where it has tables), its levels of binary adders
and as it is, the peer's own cost of it, and what the solve cost without tracing and fusion.

Modes: `binary` is the bare solver; `ternary` is alkaid's traced product, optimized, with its ternary adders fused;
`tables` the same, or that without the fusion if it costs less by its own count. Of da4ml there is no cost in bits: its
solver counts adders.
"""

import json
import sys

import numpy as np
from measure import Meter

INPUT, NEGATE, ADD, SUBTRACT, CONSTANT, TABLE, SUM = -1, -2, 0, 1, 5, 8, 11
ZERO = -2
NONE = (-3, 0, 0)  # the third operand of a binary adder


def operands(op):
    """The terms of an adder as (address, shift, whether it is subtracted)."""
    addresses = list(op.addr) if hasattr(op, 'addr') else [op.id0, op.id1]
    data = op.data if isinstance(op.data, tuple) else (op.data,)
    if op.opcode == SUM:
        return [(address, data[2 * k + 1], not data[2 * k]) for k, address in enumerate(addresses)]
    return [(addresses[0], 0, False), (addresses[1], data[0], op.opcode == SUBTRACT)]


def flatten(stages, n_in):
    """All stages as one adder list over the inputs; negations become signs of edges."""
    adders, edges = [], [(i, 0, False) for i in range(n_in)]
    for stage in stages:
        values = []
        for op in stage.ops:
            if op.opcode == INPUT:
                position = op.data[0] if hasattr(op, 'addr') else op.id0
                node, shift, negated = edges[position]
                values.append((node, shift + stage.inp_shifts[position], negated))
            elif op.opcode == NEGATE:
                node, shift, negated = values[op.addr[0]]
                values.append((node, shift, not negated))
            elif op.opcode == CONSTANT and op.data[0] == 0:
                values.append((ZERO, 0, False))
            elif op.opcode in (ADD, SUBTRACT, SUM):
                terms = []
                for address, shift, minus in operands(op):
                    node, own, negated = values[address]
                    terms.append((node, own + shift, negated ^ minus))
                flip = all(negated for _, _, negated in terms)
                row = [number for node, shift, negated in terms for number in (node, shift, int(negated ^ flip))]
                adders.append(row + list(NONE) * (3 - len(terms)))
                values.append((n_in + len(adders) - 1, 0, flip))
            else:
                raise SystemExit(f'an operation that this benchmark does not know: {op}')
        edges = []
        for index, shift, negated in zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True):
            if index < 0:
                edges.append((ZERO, 0, False))
            else:
                node, own, sign = values[index]
                edges.append((node, own + shift, sign ^ negated))
    return adders, edges


def levels(program):
    """Levels of adders and tables; what costs nothing is wiring."""
    found = []
    for op in program.ops:
        own = op.opcode in (ADD, SUBTRACT, SUM, TABLE) and op.cost > 0
        found.append(max((found[address] for address in op.addr), default=0) + own)
    return max((found[index] for index in program.out_idxs if index >= 0), default=0)


def bare(peer, matrix, inputs, extra):
    """The solver by itself."""
    ranges = [(lo * 2.0**exp, hi * 2.0**exp, 2.0**exp) for lo, hi, exp in inputs]
    if peer == 'da4ml':
        from da4ml.cmvm import solve
    else:
        from alkaid.cmvm import cmvm_solve as solve
    with Meter() as meter:
        stages = solve(matrix, hard_dc=extra, qintervals=ranges)
    if peer == 'da4ml':
        stages, cost = stages.solutions, float('nan')
    else:
        cost = sum(op.cost for stage in stages for op in stage.ops)
    adders, outputs = flatten(stages, len(matrix))
    return {'adders': adders, 'outputs': outputs, 'own_bits': cost, **meter.figures}


def traced(mode, matrix, inputs, extra):
    """alkaid's product of symbolic inputs, optimized and fused."""
    from alkaid.trace import FVArray, HWConfig, trace
    from alkaid.trace.passes import add_surrogate, dead_code_elimin, fuse_ternary_adders

    low, high, step = (np.array(column, dtype=float) for column in zip(*inputs, strict=True))
    step = 2.0**step
    x = FVArray.from_lhs(low * step, high * step, step, HWConfig(1, 1, -1), solver_options={'hard_dc': extra})
    with Meter() as meter:
        y = x @ matrix
    plain = add_surrogate(dead_code_elimin(trace(x, y), keep_dead_inputs=True))
    fused = add_surrogate(dead_code_elimin(fuse_ternary_adders(plain), keep_dead_inputs=True))
    best = plain if mode == 'tables' and plain.cost < fused.cost else fused
    graph = (None, None)
    if all(op.opcode != TABLE for op in best.ops):
        graph = flatten([best], len(matrix))
    return {
        'adders': graph[0],
        'outputs': graph[1],
        'own_bits': best.cost,
        'own_depth': levels(best),
        'binary_depth': levels(plain),
        **meter.figures,
    }


def main():
    request = json.load(sys.stdin)
    warm = [{'matrix': [[3.0, 5.0], [7.0, 9.0]], 'inputs': [[-4, 3, 0]] * 2}]  # imports are not measured
    for place, problem in enumerate(warm + request['problems']):
        matrix = np.array(problem['matrix'], dtype=np.float32)
        if not np.array_equal(matrix, np.array(problem['matrix'])):
            raise SystemExit('the matrix does not fit the 32-bit floats of the peers')
        if request['mode'] == 'binary':
            answer = bare(request['peer'], matrix, problem['inputs'], request['extra'])
        else:
            answer = traced(request['mode'], matrix, problem['inputs'], request['extra'])
        if place:
            print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
