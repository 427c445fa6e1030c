"""Names of any model become identifiers that Verilog, SystemVerilog and VHDL accept."""

import re
from dataclasses import replace

import pytest
from example_programs import EVERYTHING
from ghdl_tools import VHDL_IP_SOURCES, analyze
from hdl_tools import CELL_MODELS, IP_SOURCES, lint
from hypothesis import given
from hypothesis import strategies as st

from da4ml_core.codegen import emit_verilog, emit_vhdl
from da4ml_core.codegen.names import KEYWORDS, MAX_LENGTH, check_identifier, identifier
from da4ml_core.errors import CodegenError
from da4ml_core.ir.text import parse_program
from da4ml_core.passes.schedule import schedule


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('digits_mlp', 'digits_mlp'),
        ('Jet tagger (v2)', 'Jet_tagger_v2'),
        ('_private__name_', 'private_name'),
        ('3layer', 'model_3layer'),
        ('module', 'model_module'),
        ('Signal', 'model_Signal'),
        ('logic', 'model_logic'),
        ('da4ml_relu', 'model_da4ml_relu'),
        ('modèle', 'modele'),
        ('模型', 'model'),
        ('', 'model'),
    ],
)
def test_identifier(text, name):
    assert identifier(text) == name


@pytest.mark.parametrize(
    'name',
    [
        'all',
        'module',
        'Entity',
        '1abc',
        '7 layers',
        'Größe',
        'ネット',
        'a--b_',
        'da4ml_mux',
        'x' * 300,
        '"; --',
        'work',
    ],
)
def test_a_model_of_any_name_is_emitted_in_both_languages(name, tmp_path):
    """By its own name in the comments, by the nearest legal one as a module; the tools read both."""
    program = replace(parse_program(EVERYTHING), name=name)
    plan = schedule(program, 2)
    for emit, suffix, read in ((emit_verilog, 'v', lint), (emit_vhdl, 'vhd', None)):
        bundle = emit(plan, identifier(name))
        file = tmp_path / f'{bundle.top}.{suffix}'
        file.write_text(bundle.files[file.name])
        assert bundle.files[file.name].isascii()
        if read is not None:
            assert read([file, *IP_SOURCES, CELL_MODELS], bundle.top) == ''
        else:
            assert analyze([*VHDL_IP_SOURCES, file], tmp_path) == ''


def test_the_names_of_primitives_are_reserved():
    with pytest.raises(CodegenError, match="the top module 'da4ml_relu' is reserved"):
        check_identifier('da4ml_relu', 'top module')


def test_an_illegal_name_comes_with_a_legal_one():
    with pytest.raises(CodegenError) as caught:
        check_identifier('3layer', 'top module')
    assert str(caught.value) == (
        "error[DA1500]: the top module '3layer' is not a legal identifier in Verilog and VHDL\n"
        "  help: use 'model_3layer', for example"
    )


def test_a_long_reserved_name():
    name = identifier('da4ml_' + 'x' * 58)
    assert check_identifier(name, 'name').startswith('model_da4ml_x')


def test_long_names_stay_apart():
    first, second = identifier('a' * 100 + 'b'), identifier('a' * 100 + 'c')
    assert first != second
    assert len(first) <= MAX_LENGTH


@given(st.text())
def test_every_text_has_an_identifier(text):
    name = identifier(text)
    assert check_identifier(name, 'name') == name
    assert identifier(name) == name
    assert re.fullmatch(r'[A-Za-z][A-Za-z0-9_]*', name)
    assert name.lower() not in KEYWORDS
