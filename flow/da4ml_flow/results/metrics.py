"""The metrics that a build can measure: name, unit, direction, title. Their names are a contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from da4ml_flow.errors import ResultsError

Direction = Literal['lower', 'higher', 'neutral']


class MetricSpec(NamedTuple):
    """One row of the table: which direction is better, and how it is shown; ``digits`` are decimals, 0 an integer."""

    name: str
    unit: str
    direction: Direction
    title: str
    digits: int = 0


METRICS: Mapping[str, MetricSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            MetricSpec('accuracy', '%', 'higher', 'accuracy', 2),
            MetricSpec('float_accuracy', '%', 'higher', 'float accuracy', 2),
            MetricSpec('sim_samples', '', 'higher', 'simulated samples'),
            MetricSpec('sim_mismatches', '', 'lower', 'mismatches'),
            MetricSpec('still_port_bits', '', 'neutral', 'port bits that never toggled'),
            MetricSpec('proved', '', 'higher', 'proved equal for all inputs'),
            MetricSpec('luts', '', 'lower', 'LUTs'),
            MetricSpec('luts_logic', '', 'lower', 'LUTs as logic'),
            MetricSpec('luts_memory', '', 'lower', 'LUTs as memory'),
            MetricSpec('alms', '', 'lower', 'ALMs'),
            MetricSpec('ffs', '', 'lower', 'FFs'),
            MetricSpec('carry', '', 'lower', 'carry cells'),
            MetricSpec('dsps', '', 'lower', 'DSPs'),
            MetricSpec('brams', '', 'lower', 'block RAMs', 1),
            MetricSpec('urams', '', 'lower', 'UltraRAMs'),
            MetricSpec('fmax_mhz', 'MHz', 'higher', 'Fmax', 1),
            MetricSpec('fmax_min_mhz', 'MHz', 'higher', 'least Fmax of the seeds', 1),
            MetricSpec('fmax_max_mhz', 'MHz', 'higher', 'greatest Fmax of the seeds', 1),
            MetricSpec('wns_ns', 'ns', 'higher', 'worst slack', 3),
            MetricSpec('tns_ns', 'ns', 'higher', 'total slack', 3),
            MetricSpec('whs_ns', 'ns', 'higher', 'worst hold slack', 3),
            MetricSpec('clock_ns', 'ns', 'neutral', 'clock', 3),
            MetricSpec('latency_cycles', 'cycles', 'lower', 'latency'),
            MetricSpec('latency_ns', 'ns', 'lower', 'latency', 2),
            MetricSpec('stage_delay_ns', 'ns', 'lower', 'longest stage', 2),
            MetricSpec('ii', 'cycles', 'lower', 'initiation interval'),
            MetricSpec('power_w', 'W', 'lower', 'power', 3),
            MetricSpec('ops', '', 'lower', 'operations'),
            MetricSpec('adders', '', 'lower', 'adders'),
            MetricSpec('lut_estimate', '', 'lower', 'LUT estimate', 1),
            MetricSpec('depth', 'levels', 'lower', 'adder depth'),
            MetricSpec('register_bits', '', 'lower', 'register bits'),
            MetricSpec('trace_s', 's', 'lower', 'trace time', 2),
            MetricSpec('solve_s', 's', 'lower', 'solve time', 2),
            MetricSpec('synth_s', 's', 'lower', 'synthesis time', 2),
            MetricSpec('cpu_s', 's', 'lower', 'CPU time', 2),
            MetricSpec('peak_mb', 'MB', 'lower', 'peak memory', 1),
        )
    }
)


class ToolVersion(NamedTuple):
    """A tool as it was found; name and version go into the key of a stage, the path does not."""

    name: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured value; ``part`` is what it was measured on (a device, a seed). Figures of two tools never mix."""

    name: str
    value: float
    unit: str
    stage: str
    tool: str = ''
    part: str = ''

    def __post_init__(self) -> None:
        spec = METRICS.get(self.name)
        if spec is None or spec.unit != self.unit:
            raise ResultsError(
                f'no metric {self.name!r} in {self.unit or "counts"}', hint=f'known: {", ".join(METRICS)}'
            )
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not isfinite(self.value):
            raise ResultsError(f'metric {self.name!r} is not a finite number: {self.value!r}')

    @property
    def spec(self) -> MetricSpec:
        return METRICS[self.name]

    def data(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in METRIC_FIELDS}


METRIC_FIELDS = tuple(field.name for field in fields(Metric))


def measure(name: str, value: float, *, stage: str, tool: str = '', part: str = '') -> Metric:
    """The metric of that name, with the unit of the table."""
    spec = METRICS.get(name)
    return Metric(name, value, spec.unit if spec else '', stage, tool, part)
