"""Pictures of adder graphs: golden ones of a small graph, and what must hold of any."""

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from da4ml_core.cmvm import Solution, solve
from da4ml_core.cmvm.check import ZERO, Graph
from da4ml_core.cmvm.matrix import check_problem
from da4ml_core.device import device

GOLDEN = Path(__file__).parents[2] / 'golden' / 'cmvm'
SVG = '{http://www.w3.org/2000/svg}'
NONE = (-3, 0, 0)


@pytest.fixture(scope='module')
def small():
    """A ternary adder, a late input, a negated output, a zero output, and an output that is a shifted input."""
    adders = [
        [0, 3, 0, 0, 0, 1, *NONE],
        [3, 0, 0, 1, 1, 0, 2, 0, 0],
        [4, 0, 0, 2, 3, 1, *NONE],
    ]
    outputs = ((5, 0, False), (3, 0, True), (ZERO, 0, False), (2, 1, False))
    matrix = [[7, -7, 0, 0], [2, 0, 0, 0], [-7, 0, 0, 2]]
    problem = check_problem(matrix, latencies=[0, 2, 0])
    return Solution.proved(problem, Graph(np.array(adders, dtype=np.int32), outputs), device('xilinx-us+'), None, 0, {})


@pytest.mark.parametrize('suffix', ['dot', 'svg', 'txt'])
def test_the_picture_is_the_golden_one(small, suffix, update_golden):
    text = {'dot': small.to_dot, 'svg': small.to_svg, 'txt': lambda: f'{small!r}\n{small}\n'}[suffix]()
    path = GOLDEN / f'small.{suffix}'
    if update_golden:
        path.write_text(text)
    assert text == path.read_text()


def test_the_dot_has_the_edges_of_the_graph(small):
    drawn = re.findall(r'n(\d+) -> n(\d+)( \[style=dashed)?', small.to_dot())
    program = small.program
    wanted = [(edge.index, index, edge.negated) for index, op in enumerate(program.ops) for edge in op.operands]
    wanted += [(edge.index, len(program.ops) + place, False) for place, edge in enumerate(program.outputs)]
    assert sorted((int(a), int(b), bool(dashed)) for a, b, dashed in drawn) == sorted(wanted)


@pytest.mark.parametrize(('n', 'operands', 'latencies'), [(1, 2, None), (6, 2, None), (9, 3, [0, 40, 1] * 3)])
def test_boxes_do_not_overlap_and_lines_go_to_the_right(n, operands, latencies):
    matrix = np.random.default_rng(n).integers(-99, 99, (n, n))
    solution = solve(matrix, latencies=latencies, effort='fast', max_operands=operands)
    root = ElementTree.fromstring(solution.to_svg())
    _, *rectangles = root.iter(SVG + 'rect')  # the first is the ground
    boxes = [[float(box.get(key)) for key in ('x', 'y', 'width', 'height')] for box in rectangles]
    width, height = float(root.get('width')), float(root.get('height'))
    assert len(boxes) == len(solution.program.ops) + n
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for (x, y, w, h), (a, b, c, d) in combinations(boxes, 2):
        assert x + w <= a or a + c <= x or y + h <= b or b + d <= y
    for line in root.iter(SVG + 'path'):
        start, *_, end = re.findall(r'-?[\d.]+(?= )', line.get('d'))
        assert float(start) <= float(end) <= width


def test_a_notebook_gets_a_picture_only_if_it_can_be_read(small):
    assert small._repr_svg_() == small.to_svg()
    large = solve(np.random.default_rng(0).integers(-(2**20), 2**20, (16, 16)), effort='fast')
    assert large._repr_svg_() is None
    assert repr(large) == f'<Solution of a {large.summary}>'
