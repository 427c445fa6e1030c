"""Names of any model become identifiers that Verilog, SystemVerilog and VHDL accept."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da4ml_core.codegen.names import KEYWORDS, MAX_LENGTH, check_identifier, identifier
from da4ml_core.errors import CodegenError


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
