"""What a model file holds, and what of it can be compiled: every layer is tried, not only up to the first error."""

from da4ml_core.frontends.inspection.inspect import inspect_model, is_float_model
from da4ml_core.frontends.inspection.report import InspectedLayer, Inspection, Verdict

__all__ = ['InspectedLayer', 'Inspection', 'Verdict', 'inspect_model', 'is_float_model']
