"""Packing codes into ports and back, against big-integer arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from da4ml_core.codegen.bundle import PortField
from da4ml_core.errors import InterpError
from da4ml_core.fixed import FixedType, Interval, Overflow, Rounding
from da4ml_core.ir.opcode import InputPort, Opcode, Quantization
from da4ml_core.ir.program import Op, Operand, Program
from da4ml_flow.eda import vectors


def packed_fields(types: list[tuple[bool, int]]) -> tuple[PortField, ...]:
    fields, offset = [], 0
    for position, (signed, width) in enumerate(types):
        fields.append(PortField(position, offset, Quantization(FixedType(signed, width - signed, 0))))
        offset += width
    return tuple(fields)


@st.composite
def ports(draw: st.DrawFn) -> tuple[tuple[PortField, ...], np.ndarray]:
    widths = st.one_of(st.integers(1, 12), st.sampled_from([31, 32, 33, 62, 63, 64, 65, 127, 128, 200]))
    fields = packed_fields(draw(st.lists(st.tuples(st.booleans(), widths), min_size=1, max_size=6)))
    rows = [[draw(st.integers(*field.type.interval[:2])) for field in fields] for _ in range(draw(st.integers(0, 4)))]
    return fields, np.array(rows, dtype=object).reshape(len(rows), len(fields))


@given(ports())
@settings(deadline=None)
def test_records_are_the_bits_of_the_port(case: tuple[tuple[PortField, ...], np.ndarray]) -> None:
    fields, codes = case
    bits = fields[-1].offset + fields[-1].width_bits
    records = vectors.pack(fields, codes, bits)
    assert records.shape == (len(codes), (bits + 7) // 8)
    for row, record in zip(codes, records, strict=True):
        number = sum(
            (int(code) % (1 << field.width_bits)) << field.offset for code, field in zip(row, fields, strict=True)
        )
        assert int.from_bytes(record.tobytes(), 'little') == number
    back = vectors.unpack(fields, records)
    assert back.tolist() == codes.tolist()
    assert back.dtype == (object if max(field.width_bits for field in fields) > 63 else np.int64)
    if back.dtype != object:
        np.testing.assert_array_equal(vectors.pack(fields, codes.astype(np.int64), bits), records)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = packed_fields([(True, 5), (False, 9)])
    codes = vectors.corner_codes([field.type.interval[:2] for field in fields], random_samples=100)
    whole = vectors.pack(fields, codes, 14)
    monkeypatch.setattr(vectors, '_BITS_AT_ONCE', 100)
    np.testing.assert_array_equal(vectors.pack(fields, codes, 14), whole)
    np.testing.assert_array_equal(vectors.unpack(fields, whole), codes)


def test_a_field_without_bits_is_zero() -> None:
    fields = (
        PortField(0, 0, Quantization(FixedType(False, 0, 0))),
        PortField(1, 0, Quantization(FixedType(True, 2, 0))),
    )
    codes = np.array([[0, -4], [0, 3]])
    np.testing.assert_array_equal(vectors.unpack(fields, vectors.pack(fields, codes, 3)), codes)


@pytest.mark.parametrize('code', [-9, 8, 1 << 70])
def test_a_code_out_of_range_is_refused(code: int) -> None:
    with pytest.raises(InterpError, match=rf'sample 1, element 0: code {code} is not one of fixed<3,0>'):
        vectors.pack(packed_fields([(True, 4)]), np.array([[0], [code]], dtype=object), 4)


def test_the_wrong_number_of_fields_is_refused() -> None:
    with pytest.raises(InterpError, match='2 fields'):
        vectors.pack(packed_fields([(True, 4), (True, 4)]), np.zeros((3, 1), dtype=np.int64), 8)


@given(st.lists(st.tuples(st.integers(-(1 << 70), 1 << 70), st.integers(0, 1 << 70)), min_size=1, max_size=5))
@settings(deadline=None)
def test_corners_lie_in_their_ranges_and_reach_both_ends(spans: list[tuple[int, int]]) -> None:
    ranges = [(lo, lo + size) for lo, size in spans]
    codes = vectors.corner_codes(ranges, random_samples=3, seed=4)
    for column, (lo, hi) in enumerate(ranges):
        values = [int(code) for code in codes[:, column]]
        assert (min(values), max(values)) == (lo, hi)
    assert codes.tolist() == vectors.corner_codes(ranges, random_samples=3, seed=4).tolist()
    assert codes.tolist() != vectors.corner_codes(ranges, random_samples=3, seed=5).tolist() or all(
        hi - lo < 1000 for lo, hi in ranges
    )


def program_with_two_readers() -> Program:
    """Element 1 read through two quantizers, element 0 through one; the outputs in other steps than the ports."""
    fine = Quantization(FixedType(True, 2, 3), Rounding.RND)
    coarse = Quantization(FixedType(False, 3, 0), Rounding.TRN, Overflow.SAT)
    plain = Quantization(FixedType(True, 3, 0))
    ops = (
        Op(Opcode.INPUT, (), Interval(-32, 31, -3), InputPort(1, fine)),
        Op(Opcode.INPUT, (), Interval(0, 7), InputPort(1, coarse)),
        Op(Opcode.INPUT, (), Interval(-4, 3, 1), InputPort(0, plain)),
    )
    return Program('readers', ops, (Operand(1), Operand(0, 2)), ((2,),), ((2,),))


def test_input_codes_go_to_the_field_of_their_quantizer() -> None:
    program = program_with_two_readers()
    quantizers = [port.quantization for _, port in program.input_ops()]
    fields = (
        PortField(0, 0, quantizers[2]),
        PortField(1, 4, quantizers[1]),
        PortField(1, 7, quantizers[0]),
    )
    codes = np.array([[-32, 7, -4], [5, 1, 3]])
    ported = vectors.input_port_codes(program, fields, codes)
    np.testing.assert_array_equal(ported, [[-8, 7, -32], [6, 1, 5]])  # element 0 counts in twos, its port in ones
    with pytest.raises(InterpError, match='element 0 more often'):
        vectors.input_port_codes(program, (*fields, fields[0]), codes)


def test_output_codes_keep_their_values() -> None:
    program = program_with_two_readers()
    fields = (
        PortField(1, 0, Quantization(FixedType(True, 4, 3))),
        PortField(0, 8, Quantization(FixedType(False, 3, 0))),
    )
    codes = np.array([[7, -32], [1, 31]])
    ported = vectors.output_port_codes(program, fields, codes)
    for row, port_row in zip(codes, ported, strict=True):
        for field, code in zip(fields, port_row, strict=True):
            step = Fraction(2) ** program.output_intervals[field.position].exp
            assert code * Fraction(2) ** -field.type.frac_bits == row[field.position] * step
    np.testing.assert_array_equal(vectors.output_codes(program, fields, ported), codes)


def test_bits_that_never_toggle() -> None:
    fields = packed_fields([(False, 4), (True, 3), (False, 70)])
    codes = np.array([[1, -1, 1 << 69], [5, -2, 0]], dtype=object)
    assert [(field.position, bit) for field, bit in vectors.still_bits(fields, codes)] == [
        *((0, bit) for bit in (0, 1, 3)),
        *((1, bit) for bit in (1, 2)),
        *((2, bit) for bit in range(69)),
    ]
