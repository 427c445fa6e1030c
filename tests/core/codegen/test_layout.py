"""Long lines of hardware text are broken where their language reads a break as a space."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_programs import random_program

from da4ml_core.codegen import emit_verilog, emit_vhdl
from da4ml_core.codegen.layout import WIDTH, fitted
from da4ml_core.passes.schedule import schedule

WORDS = st.lists(st.sampled_from(['a', 'v12,', '&', '=>', '(7 downto 0),', 'x' * 40]), min_size=1, max_size=60)


@given(WORDS, st.integers(0, 3), st.sampled_from(['//', '--']), st.booleans(), WORDS | st.none())
def test_no_word_is_lost_and_no_line_too_long(words, depth, comment, is_comment, note):
    line = '    ' * depth + (f'{comment} ' if is_comment else '') + ' '.join(words)
    if note is not None and not is_comment:
        line += f'  {comment} {" ".join(note)}'
    lines = list(fitted([line], comment))
    assert all(len(text) <= WIDTH for text in lines)
    assert all(text.startswith('    ' * depth) for text in lines)
    said = [text.strip() for text in lines]
    code, notes = [], []
    for text in said:
        before, _, after = text.partition(comment)
        code += before.split()
        notes += after.split()
    assert code == ([] if is_comment else ' '.join(words).split())
    assert notes == (' '.join(words).split() if is_comment else ' '.join(note or ()).split())


def test_a_line_breaks_after_a_comma_and_a_word_never():
    line = f'    make ({", ".join(f".port{i}(value{i})" for i in range(10))});'
    first, second = fitted([line], '//')
    assert first.endswith(',')
    assert second.startswith('            .port')
    assert list(fitted(['    ' + 'x' * 200], '//')) == ['    ' + 'x' * 200]


@pytest.mark.parametrize(('emit', 'comment'), [(emit_verilog, '//'), (emit_vhdl, '--')])
def test_designs_have_no_long_line(emit, comment):
    for seed in range(20):
        program = random_program(random.Random(seed), 40)
        for text in emit(schedule(program, 2), 'kernel').files.values():
            # a word of its own, the literal of a wide constant, is left whole
            assert not [line for line in text.splitlines() if len(line) > WIDTH and max(map(len, line.split())) < 60]
