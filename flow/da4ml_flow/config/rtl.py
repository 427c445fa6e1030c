"""What a configuration may say of the hardware description: its language, registers, wrapper and constraints."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from da4ml_flow.config.section import Section, problem

IDENTIFIER = r'^[A-Za-z_][A-Za-z0-9_]*$'
Delay = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
PositiveNs = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
_LIMITS = ('max_levels', 'max_delay_ns', 'stages', 'latency_ns')


class PipelineConfig(Section):
    """Where registers go: one limit, and the fewest register bits that keep it. All null: combinational, no clock."""

    max_levels: int | None = Field(
        default=4,
        ge=1,
        le=1000,
        description='adder levels between two registers; null, without another limit: no clock',
    )
    max_delay_ns: PositiveNs | None = Field(
        default=None, description="ns from register to register, by the model of the optimizer's device"
    )
    stages: int | None = Field(
        default=None, ge=1, le=10_000, description='so many stages of logic, all as short as that allows'
    )
    latency_ns: PositiveNs | None = Field(
        default=None, description='as many stages as fit into it at rtl.clock_ns, all as short as that allows'
    )
    input_registers: bool = Field(default=True, description='register the inputs')
    output_registers: bool = Field(default=True, description='register the outputs')
    shift_registers: bool = Field(
        default=True, description='let tools make shift-register LUTs of values that wait; false: flip-flops'
    )

    @property
    def limits(self) -> dict[str, Any]:
        """The limits that are not null; at most one, once validated."""
        limits = {key: getattr(self, key) for key in _LIMITS}
        return {key: limit for key, limit in limits.items() if limit is not None}

    @model_validator(mode='before')
    @classmethod
    def _another_limit_replaces_the_default(cls, data: object) -> object:
        if isinstance(data, dict) and 'max_levels' not in data and any(data.get(key) is not None for key in _LIMITS):
            return {**data, 'max_levels': None}
        return data

    @model_validator(mode='after')
    def _one_limit(self) -> Self:
        if len(self.limits) > 1:
            first, second, *_ = self.limits
            raise problem('combination', f'{first} and {second} are both limits', f'{first}: null', second)
        return self

    @model_validator(mode='after')
    def _registers_need_a_clock(self) -> Self:
        asked = [
            key
            for key in ('input_registers', 'output_registers')
            if key in self.model_fields_set and getattr(self, key)
        ]
        if not self.limits and asked:
            raise problem(
                'combination',
                f'{asked[0]} with max_levels: null, which is a design without a clock',
                'give max_levels a number, or leave the registers out',
                asked[0],
            )
        return self


class WrapperConfig(Section):
    """A module around the kernel, in its language."""

    protocol: Literal['none', 'valid', 'axi-stream'] = Field(
        default='valid', description='valid: a valid bit beside the samples and one beside the results'
    )
    clock_enable: bool = Field(default=False, description='a port ce: the pipeline moves only while it is high')
    reset: bool = Field(default=False, description='a port rst, synchronous, that clears the valid bits')
    elements: bool = Field(default=False, description='a port for each element instead of the packed ones')

    @model_validator(mode='after')
    def _goes_together(self) -> Self:
        for key in ('clock_enable', 'reset', 'elements'):
            if self.protocol == 'axi-stream' and getattr(self, key):
                raise problem('combination', f'{key} with axi-stream, which has its own', f'leave {key} out', key)
        if self.protocol == 'none' and self.reset:
            raise problem('combination', 'reset without valid bits to clear', 'protocol: valid', 'reset')
        return self


class ConstraintsConfig(Section):
    """Timing constraints, as XDC and SDC: the clock of rtl.clock_ns, and what is asked for here."""

    input_delay_ns: Delay | None = Field(default=None, description='after the clock edge; null: inputs unconstrained')
    output_delay_ns: Delay | None = Field(
        default=None, description='before the clock edge; null: outputs unconstrained'
    )


class RtlConfig(Section):
    """The hardware description that is written."""

    language: Literal['verilog', 'vhdl', 'vitis', 'ac', 'oneapi'] = Field(
        default='verilog',
        description='hardware description language; stages with tools need GHDL for vhdl; vitis, ac, oneapi: C++',
    )
    top: str | None = Field(
        default=None, pattern=IDENTIFIER, max_length=200, description="name of the top module; null: from 'name'"
    )
    clock_ns: PositiveNs = Field(default=5.0, description='target clock period in ns')
    pipeline: PipelineConfig = Field(default_factory=PipelineConfig, description='register placement')
    wrapper: WrapperConfig | None = Field(default=None, description='a module around the kernel; absent: none')
    constraints: ConstraintsConfig | None = Field(default=None, description='files of constraints; absent: none')

    @model_validator(mode='after')
    def _wrapped_in_its_language(self) -> Self:
        for key in ('wrapper', 'constraints'):
            if getattr(self, key) is not None and self.is_hls:
                raise problem('combination', f'{key} with language: {self.language}', 'language: verilog', key)
        return self

    @property
    def is_hls(self) -> bool:
        """Whether it is C++, which a high-level synthesis tool has to turn into hardware."""
        return self.language not in ('verilog', 'vhdl')
