"""`solve`: validated problem in, proved solution out, identical problems solved once."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from threading import Lock
from typing import Any

import numpy as np

from da4ml_core.cmvm.annealing import carried_over
from da4ml_core.cmvm.decompose import KraftLevels
from da4ml_core.cmvm.digit_tree import digit_tree
from da4ml_core.cmvm.effort import Effort, Progress
from da4ml_core.cmvm.matrix import Problem, check_problem
from da4ml_core.cmvm.packed import packed_solutions
from da4ml_core.cmvm.rows import distinct_rows, minimal_depth
from da4ml_core.cmvm.search import Candidate, Search
from da4ml_core.cmvm.solution import Found, Solution
from da4ml_core.device import DEFAULT_DEVICE, Device
from da4ml_core.device import device as find_device
from da4ml_core.errors import BudgetExceeded, InvalidMatrix, SolveError
from da4ml_core.fixed import Interval

EFFORTS = ('fast', 'balanced', 'max')
MEMO_SIZE = 256

_memo: OrderedDict[tuple[Any, ...], Solution] = OrderedDict()
_memo_lock = Lock()


def solve(
    matrix: Any,
    inputs: Sequence[Interval] | None = None,
    latencies: Sequence[int] | None = None,
    extra_depth: int | None = None,
    device: str = DEFAULT_DEVICE,
    effort: str | float = 'balanced',
    threads: int | None = None,
    max_operands: int | None = 2,
    progress: Callable[[Progress], None] | None = None,
    tables: bool = True,
    arrivals_ns: Sequence[float] | None = None,
    like: Solution | None = None,
    most_work: int | None = None,
) -> Solution:
    """The shift-and-add graph of ``y = x @ matrix`` with the fewest LUTs that the effort finds.

    ``matrix`` is (n_in, n_out), of integers of any size or numbers k·2^e; ``inputs`` are the intervals of x (default:
    8-bit signed integers); ``latencies`` are their arrival times in adder levels, or ``arrivals_ns`` in ns, which count
    as the levels that they take on the device with adders as wide as the outputs, rounded up. ``extra_depth`` limits
    the depth to the minimal one and so many levels more; None is no limit. ``effort`` is 'fast', 'balanced', 'max',
    or a time budget in seconds. The result does not depend on ``threads``. ``max_operands`` is 2 or 3: whether
    ternary adders are used, which count as one level; None is what pays on the device. ``tables``: whether inputs of
    one or two bits may be looked up in tables, where that takes fewer LUTs; a table counts as one level, and the
    minimal depth is that of adders alone. ``like`` is a solution of the same matrix for
    other inputs, where the search may start; ``most_work`` bounds the work of the local search of 'balanced', which
    ``stats`` has. ``progress`` is told of every step and may raise to cancel the solve; with
    more than one thread, from any of them.

    Raises InvalidMatrix for a matrix, intervals or latencies that are not valid, BudgetExceeded if no graph fits the
    depth, and SolveError for unknown options.
    """
    family = find_device(device)
    if max_operands is None:
        max_operands = family.max_operands
    _check_options(extra_depth, effort, threads, max_operands, tables)
    problem = check_problem(matrix, inputs, latencies)
    if arrivals_ns is not None:
        if latencies is not None:
            raise SolveError('arrival times are given twice', hint='give latencies, in levels, or arrivals_ns')
        problem = check_problem(matrix, inputs, _levels(arrivals_ns, problem, family))
    if isinstance(effort, str):
        key = (problem.key, extra_depth, device, effort, max_operands, tables, like and like.start_key, most_work)
        known = _recall(key)
        if known is None:
            known = _solve(
                problem, extra_depth, family, effort, max_operands, threads, progress, tables, like, most_work
            )
            _remember(key, known)
        return known
    return _solve(problem, extra_depth, family, float(effort), max_operands, threads, progress, tables, like, most_work)


def _check_options(
    extra_depth: int | None, effort: str | float, threads: int | None, max_operands: int, tables: bool
) -> None:
    if extra_depth is not None and (isinstance(extra_depth, bool) or not isinstance(extra_depth, int)):
        raise SolveError(f'extra_depth is {extra_depth!r}, not a number of adder levels or None')
    if effort not in EFFORTS and (isinstance(effort, str | bool) or not effort > 0):
        raise SolveError(f'unknown effort {effort!r}', hint=f'one of {", ".join(EFFORTS)}, or seconds')
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise SolveError(f'threads is {threads!r}, not a positive integer or None')
    if isinstance(max_operands, bool) or max_operands not in (2, 3):
        raise SolveError(f'max_operands is {max_operands!r}, not 2 or 3')
    if not isinstance(tables, bool):
        raise SolveError(f'tables is {tables!r}, not True or False')


def _levels(arrivals_ns: Sequence[float], problem: Problem, device: Device) -> list[int]:
    """Adder levels after which inputs that arrive at these times are there."""
    finest = min(interval.exp for interval in problem.inputs)
    reach = [max(-interval.lo, interval.hi) << (interval.exp - finest) for interval in problem.inputs]
    tops = [sum(abs(int(n)) * top for n, top in zip(column, reach, strict=True)) for column in problem.weights.T]
    level_ns = device.adder_delay_ns(max(tops).bit_length() + 1)
    if len(arrivals_ns) != len(reach):
        raise InvalidMatrix(f'{len(arrivals_ns)} arrival times for a matrix with {len(reach)} rows')
    levels: list[int] = []
    for at, time_ns in enumerate(arrivals_ns):
        if isinstance(time_ns, bool) or not isinstance(time_ns, Real) or not 0 <= time_ns < math.inf:
            raise InvalidMatrix(f'arrivals_ns[{at}] is {time_ns!r}, not a time of 0 ns or more')
        levels.append(math.ceil(float(time_ns) / level_ns))
    return levels


def _solve(
    problem: Problem,
    extra_depth: int | None,
    device: Device,
    effort: str | float,
    max_operands: int,
    threads: int | None,
    progress: Callable[[Progress], None] | None,
    tables: bool,
    like: Solution | None,
    most_work: int | None,
) -> Solution:
    started = time.process_time()
    kraft = KraftLevels(problem.levels, radix=max_operands)
    least = minimal_depth(problem, kraft)
    limit = None if extra_depth is None else least + extra_depth
    if limit is not None and limit < least:
        raise BudgetExceeded(f'no adder graph of depth {limit} computes the matrix', feasible=least)
    search = Search(problem, distinct_rows(problem, kraft, limit), kraft)
    timed = None if isinstance(effort, str) else effort
    level = effort if isinstance(effort, str) else 'max'
    run = Effort(search, level, timed, threads, progress, _first(search, like), most_work)
    best: Solution | None = None
    last: Candidate | None = None
    for candidate in run.stages():
        if candidate is last:
            continue
        last = candidate
        proved = Solution.proved(problem, candidate.graph, device, limit, least, {'recipe': candidate.recipe})
        found = replace(proved, sums=Found(search.rows.numbers, candidate))
        if best is None or (found.lut_cost, found.num_adders) < (best.lut_cost, best.num_adders):
            best = found
    if best is None:
        raise SolveError('the search has no stage', hint='this is a bug of the solver')
    plain = digit_tree(problem, max_operands)
    if plain is not None:
        tree = Solution.proved(problem, plain, device, limit, least, {'recipe': 'digit tree'})
        if tree.lut_cost < best.lut_cost and (limit is None or tree.depth <= limit):
            best = tree
    if tables:
        packed = effort if isinstance(effort, str) else 'balanced'
        for found in packed_solutions(problem, device, max_operands, limit, least, packed, threads, progress):
            if (found.lut_cost, found.num_adders) < (best.lut_cost, best.num_adders):
                best = found
    done = {
        'candidates': run.tried,
        'work': run.work,
        'lifted': sum(search.rows.lifted),
        'cpu_s': time.process_time() - started,
    }
    return replace(best, stats={**best.stats, **done})


def _first(search: Search, like: Solution | None) -> Candidate | None:
    """The graph of another solution for these inputs, if it is of the same rows."""
    if like is None or like.sums is None or not search.anneals:
        return None
    numbers, candidate = like.sums
    return None if not np.array_equal(numbers, search.rows.numbers) else carried_over(search, candidate)


def _recall(key: tuple[Any, ...]) -> Solution | None:
    with _memo_lock:
        known = _memo.get(key)
        if known is not None:
            _memo.move_to_end(key)
        return known


def _remember(key: tuple[Any, ...], solution: Solution) -> None:
    with _memo_lock:
        _memo[key] = solution
        while len(_memo) > MEMO_SIZE:
            _memo.popitem(last=False)
