"""Every operation that tracing accepts means what it means in numpy: on exact numbers, in shapes, in what is bool."""

from __future__ import annotations

import types

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traced import CASES, check, covered

from da4ml_core import trace
from da4ml_core.trace.dispatch import methods, traceable

EXAMPLES = 12  # of each case; the bench runs more


@pytest.mark.parametrize('name', CASES)
@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_program_is_what_numpy_computes(name, data):
    check(CASES[name], data.draw)


def test_every_operation_that_is_traced_has_a_case():
    public = {getattr(trace, name) for name in trace.__all__}
    functions = {entry for entry in public if isinstance(entry, types.FunctionType)}
    missing = {*traceable(), *methods(), *functions} - covered()
    assert not missing, sorted(getattr(entry, '__name__', str(entry)) for entry in missing)
