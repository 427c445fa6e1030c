"""Solve matrices with a peer, in an environment of its own: reads one JSON request a line, answers each with its graph.

A request is {peer, matrix, extra_delay}; the answer {adders, outputs, cpu_s} has the columns of
`da4ml_core.cmvm.check.Graph`.
"""

import json
import sys
import time

import numpy as np

ZERO = -2
NONE = (-3, 0, 0)  # the third operand of a binary adder


def solver_of(peer: str):
    if peer == 'da4ml':
        from da4ml.cmvm import solve

        return lambda matrix, delay: solve(matrix, hard_dc=delay).solutions
    from alkaid.cmvm import cmvm_solve

    return lambda matrix, delay: cmvm_solve(matrix, hard_dc=delay)


def flatten(stages, n_in: int):
    """All stages as one adder list over the inputs; negations become signs of edges."""
    adders, edges = [], [(i, 0, False) for i in range(n_in)]
    for stage in stages:
        values = []
        for op in stage.ops:
            addresses = list(op.addr) if hasattr(op, 'addr') else [op.id0, op.id1]
            data = op.data[0] if isinstance(op.data, tuple) else op.data
            if op.opcode == -1:
                position = data if hasattr(op, 'addr') else op.id0
                node, shift, negated = edges[position]
                values.append((node, shift + stage.inp_shifts[position], negated))
            elif op.opcode == -2:
                node, shift, negated = values[addresses[0]]
                values.append((node, shift, not negated))
            elif op.opcode in (0, 1):
                (a, shift_a, minus_a), (b, shift_b, minus_b) = (values[address] for address in addresses)
                minus_b ^= op.opcode == 1
                flip = minus_a and minus_b
                adders.append([a, shift_a, int(minus_a ^ flip), b, shift_b + data, int(minus_b ^ flip), *NONE])
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


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        solve = solver_of(request['peer'])
        matrix = np.array(request['matrix'], dtype=np.float32)
        start = time.process_time()
        stages = solve(matrix, request['extra_delay'])
        cpu_s = time.process_time() - start
        adders, outputs = flatten(stages, len(matrix))
        print(json.dumps({'adders': adders, 'outputs': outputs, 'cpu_s': cpu_s}), flush=True)


if __name__ == '__main__':
    main()
