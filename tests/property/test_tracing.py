"""Every operation that tracing accepts means what it means in numpy: on exact numbers, in shapes, in what is bool."""

from __future__ import annotations

import types

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from traced import CASES, check, covered

from da4ml_core import trace
from da4ml_core.trace.dispatch import methods, traceable

EXAMPLES = 20


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


def test_no_case_is_for_what_is_not_traced():
    known = {*traceable(), *methods(), *(getattr(trace, name) for name in trace.__all__), 'quantize'}
    tables = {entry for entry in covered() if isinstance(entry, np.ufunc) or isinstance(entry, types.FunctionType)}
    assert {entry for entry in covered() - tables if entry not in known} == set()
