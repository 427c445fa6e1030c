"""What a simulator showed of a design, and the latency that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from da4ml_core.codegen.bundle import RtlBundle
from da4ml_flow.eda import vectors

EXTRA_CYCLES = 16  # simulated beyond the predicted latency, to find the true one where they differ


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the output port showed: record t is read in cycle t, in which sample t is on the input port.

    A combinational design has one record a sample. ``records`` are packed as :mod:`da4ml_flow.eda.vectors` does;
    ``unknown`` are those with a bit that is neither 0 nor 1, which are like no expected record.
    """

    bundle: RtlBundle
    num_samples: int
    records: vectors.Records
    unknown: NDArray[np.bool_]
    log: Path
    build_s: float
    run_s: float

    def outputs_at(self, latency_cycles: int) -> vectors.Records:
        """The records of all samples if the latency is this."""
        return self.records[latency_cycles : latency_cycles + self.num_samples]

    def wrong_at(self, latency_cycles: int, expected: vectors.Records) -> NDArray[np.bool_]:
        """Which samples are not as expected if the latency is this."""
        unknown = self.unknown[latency_cycles : latency_cycles + self.num_samples]
        wrong: NDArray[np.bool_] = (self.outputs_at(latency_cycles) != expected).any(axis=1) | unknown
        return wrong

    def find_latency(self, expected: vectors.Records) -> int | None:
        """The latency at which every sample's output is as expected: the predicted one, else the least, else None."""
        last = len(self.records) - self.num_samples
        for latency in (self.bundle.latency_cycles, *range(last + 1)):
            if not self.wrong_at(latency, expected).any():
                return int(latency)
        return None


def num_cycles(bundle: RtlBundle, num_samples: int) -> int:
    """How many cycles are simulated: enough to find a latency that is not the predicted one."""
    return num_samples + (bundle.latency_cycles + EXTRA_CYCLES if bundle.clocked else 0)
