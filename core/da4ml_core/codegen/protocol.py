"""What a wrapper around a kernel has: how samples are told from idle cycles, and which ports."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from da4ml_core.errors import CodegenError


class Protocol(StrEnum):
    """How samples and results are told from idle cycles."""

    NONE = 'none'
    VALID = 'valid'  # x_valid beside x, y_valid beside y
    AXI_STREAM = 'axi-stream'  # AMBA 4 AXI4-Stream (ARM IHI 0051A): TVALID, TREADY, TDATA in whole bytes


class Wrapper(NamedTuple):
    """What a wrapper has; AXI4-Stream brings its own clock enable, its reset and packed ports."""

    protocol: Protocol = Protocol.NONE
    clock_enable: bool = False
    reset: bool = False
    elements: bool = False

    @property
    def needs_clock_enable(self) -> bool:
        """Whether the kernel within must be able to wait."""
        return self.clock_enable or self.protocol is Protocol.AXI_STREAM

    def check(self) -> None:
        """Raises CodegenError for what does not go together."""
        if self.protocol is Protocol.AXI_STREAM and (self.clock_enable or self.elements or self.reset):
            key = 'clock_enable' if self.clock_enable else 'elements' if self.elements else 'reset'
            raise CodegenError(f'{key} with axi-stream, which has aclk, aresetn and tdata', hint=f'leave {key} out')
        if self.reset and self.protocol is Protocol.NONE:
            raise CodegenError('reset without valid bits: data registers need none', hint='protocol: valid')


def wrapper_name(top: str) -> str:
    """The module around a kernel."""
    return f'{top}_wrapper'


def title(wrapper: Wrapper) -> str:
    """What a wrapper has, in words."""
    if wrapper.protocol is Protocol.AXI_STREAM:
        return 'AXI4-Stream'
    parts = ['valid bits'] * (wrapper.protocol is Protocol.VALID)
    parts += ['a synchronous reset'] * wrapper.reset + ['a clock enable'] * wrapper.clock_enable
    parts += ['a port for each element'] * wrapper.elements
    return ', '.join(parts) or 'the ports of the kernel'
