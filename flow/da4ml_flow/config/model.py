"""What a build configuration may say: the one definition of keys, types, ranges and defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from da4ml_core.device import DEFAULT_DEVICE, DEVICES
from da4ml_flow.config.files import arrays_of, input_file, npz
from da4ml_flow.config.nearest import nearest
from da4ml_flow.config.rtl import PositiveNs, RtlConfig
from da4ml_flow.config.section import Section, problem
from da4ml_flow.config.sweep import SweepConfig


def _known_device(name: str) -> str:
    if name not in DEVICES:
        near = nearest(name, list(DEVICES))
        hint = f"did you mean '{near}'?" if near else ''
        raise problem('literal', f'unknown device family {name!r}; known: {", ".join(DEVICES)}', hint)
    return name


def _fixed_type(text: str) -> str:
    if not re.fullmatch(r'u?fixed<-?\d{1,4},-?\d{1,4}>', text):
        raise problem('literal', f'{text!r} is no fixed-point type', "one is 'fixed<3,12>': integer and fraction bits")
    return text


InputFile = Annotated[Path, AfterValidator(input_file)]
NextpnrDevice = Literal[
    'ecp5-12k', 'ecp5-25k', 'ecp5-45k', 'ecp5-85k', 'ice40-hx1k', 'ice40-hx8k', 'ice40-up5k', 'gowin-gw1n-9c'
]
Directive = Annotated[str, Field(pattern=r'^[A-Za-z][A-Za-z0-9_]*$', max_length=60)]
PartNumber = Annotated[str, Field(pattern=r'^[A-Za-z0-9][A-Za-z0-9_-]*$', max_length=100)]
Seconds = Annotated[float, Field(gt=0, le=1e7, allow_inf_nan=False)]


class DatasetConfig(Section):
    """Samples in an .npz file, for accuracy and as simulation vectors."""

    path: Annotated[InputFile, AfterValidator(npz)] = Field(description='.npz file')
    inputs: str = Field(
        default='x',
        validate_default=True,
        min_length=1,
        description='name of the array of samples, first axis the sample',
    )
    labels: str | None = Field(
        default=None, min_length=1, description='name of the array of class labels; without it no accuracy'
    )

    @field_validator('inputs', 'labels')
    @classmethod
    def _array_is_there(cls, array: str | None, info: ValidationInfo) -> str | None:
        path = info.data.get('path')
        if not info.context or path is None or array is None:
            return array
        names = arrays_of(path)
        if array not in names:
            near = nearest(array, names)
            hint = f'did you mean {near!r}?' if near else f'its arrays: {", ".join(names) or "none"}'
            raise problem('missing_array', f'no array {array!r} in {path.name}', hint)
        return array


class ModelConfig(Section):
    """The trained model."""

    source: InputFile = Field(
        description='a .keras, .h5, .onnx or .pt2 file, a program as .json(.gz), or python:package.module:function'
    )
    weights: InputFile | None = Field(
        default=None, description='weights of a Keras architecture in .json; null: <its stem>_weights.h5 beside it'
    )
    input_type: Annotated[str, AfterValidator(_fixed_type)] | None = Field(
        default=None,
        description='fixed<int bits, frac bits> of the inputs of an .onnx model that does not quantize them itself',
    )
    softmax: Literal['drop', 'keep'] = Field(
        default='drop',
        description='the softmax at the end of an .onnx model: drop, logits come out; keep, by tables, to about 2^-9',
    )
    dataset: DatasetConfig | None = Field(default=None, description='samples for accuracy and simulation')


Bits = Annotated[int, Field(ge=1, le=24)]


class QuantizationConfig(Section):
    """Post-training quantization of a float model; all scales are powers of two."""

    weight_bits: int = Field(default=8, ge=2, le=24, description='bits of weights, the sign included')
    activation_bits: int = Field(default=8, ge=1, le=24, description='bits of what layers hand on')
    input_bits: Bits | None = Field(default=None, description="bits of the model's inputs; null: activation_bits")
    bias_bits: Bits | None = Field(default=None, description='bits of biases; null: in steps of the products')
    output_bits: Bits | None = Field(default=None, description='bits of the outputs; null: all of the last sums')
    weight_scale: Literal['tensor', 'channel'] = Field(default='channel', description='what shares a scale')
    activation_scale: Literal['tensor', 'channel'] = Field(default='tensor', description='what shares a scale')
    range: Literal['mse', 'max'] = Field(
        default='mse', description='mse: the least square error, with rare values saturated; max: all that was seen'
    )
    rounding: Literal['RND', 'TRN', 'RND_CONV'] = Field(default='RND', description='of activations')
    overflow: Literal['SAT', 'SAT_SYM', 'WRAP'] = Field(default='SAT', description='of activations')
    fold_batchnorm: bool = Field(default=True, description='join batch normalization with the product beside it')
    correct_bias: bool = Field(default=True, description='let biases make up for the mean error of each channel')
    layers: dict[str, dict[Literal['weight_bits', 'activation_bits', 'bias_bits'], Bits]] = Field(
        default_factory=dict, description='bits of single layers by name, as in {fc1: {weight_bits: 4}}'
    )
    calibration: DatasetConfig | None = Field(
        default=None, description='samples that ranges are taken from, 1024 at most; null: model.dataset'
    )


class OptimizerConfig(Section):
    """How the constant matrix-vector products become adders."""

    device: Annotated[str, AfterValidator(_known_device)] = Field(
        default=DEFAULT_DEVICE,
        description='device family whose costs are minimized',
        json_schema_extra={'enum': list(DEVICES)},
    )
    extra_depth: int | None = Field(
        default=2, ge=0, le=64, description='adder levels allowed above the minimum of a product; null: no limit'
    )
    effort: Literal['fast', 'balanced', 'max'] = Field(default='balanced', description='time spent for fewer adders')
    max_operands: Literal['auto', 2, 3] = Field(
        default='auto',
        description='terms of an adder; auto: 3 where LUTs have 6 inputs, which add 3 as cheaply',
    )
    tables: bool = Field(
        default=False, description='inputs of 1 and 2 bits of a product may be looked up, where that takes fewer LUTs'
    )


class LintConfig(Section):
    """Static checks of the hardware description."""

    tool: Literal['verilator'] = Field(default='verilator', description='tool for Verilog; VHDL is analyzed by GHDL')


class SimulateConfig(Section):
    """Simulation of the hardware description, compared bit by bit with the model."""

    tool: Literal['verilator', 'icarus'] = Field(
        default='verilator', description='tool; icarus is quickly compiled, slow to run, and knows unknown bits'
    )
    samples: int = Field(
        default=1000,
        ge=1,
        le=10_000_000,
        description='at most so many samples of the dataset; without a dataset, so many random ones',
    )
    timeout_s: Seconds | None = Field(
        default=None, description='stop compilation, and simulation, after so many seconds each; null: an hour'
    )


class VerifyConfig(Section):
    """A proof that the hardware description equals the model on every input."""

    method: Literal['formal'] = Field(default='formal', description='by SAT, in Yosys')
    max_ops: int = Field(
        default=250, ge=1, le=1_000_000, description='larger programs are not tried, and that is no failure'
    )
    timeout_s: Seconds = Field(default=600.0, description='give up after so many seconds, which is no failure either')


def _method_alone(section: object) -> object:
    return {'method': section} if isinstance(section, str) else section


def _or_formal(schema: dict[str, Any]) -> None:
    schema['anyOf'].insert(0, {'const': 'formal'})


class HlsConfig(Section):
    """High-level synthesis of the C++ to Verilog, which the stages after it work on."""

    tool: Literal['vitis'] = Field(default='vitis', description='tool: Vitis HLS')
    part: PartNumber = Field(description='part number')
    timeout_s: Seconds | None = Field(default=None, description='stop the tool after so many seconds; null: a day')


class DirectivesConfig(Section):
    """Directives of Vivado's steps, in the place of those of the strategy."""

    synth: Directive | None = Field(default=None, description='of synth_design')
    opt: Directive | None = Field(default=None, description='of opt_design')
    place: Directive | None = Field(default=None, description='of place_design')
    phys_opt: Directive | None = Field(default=None, description='of phys_opt_design')
    route: Directive | None = Field(default=None, description='of route_design')


class ToolSection(Section):
    """A stage whose tool may be one of several; keys of another tool are mistakes."""

    part: PartNumber | None = Field(default=None, description='vendor tools: part number')
    strategy: Literal['default', 'area', 'timing'] = Field(
        default='default', description='vendor tools: what they work for'
    )
    directives: DirectivesConfig = Field(default_factory=DirectivesConfig, description='vivado: directives by step')
    retiming: bool = Field(default=False, description='vendor tools: move registers through logic')
    timeout_s: Seconds | None = Field(
        default=None, description="stop the tool after so many seconds; null: the tool's default"
    )

    @model_validator(mode='after')
    def _keys_of_the_tool(self) -> Self:
        tool = getattr(self, 'tool', '')
        for key, tools in KEYS_OF_TOOLS.items():
            spec = type(self).model_fields.get(key)
            if (
                spec is not None
                and tool not in tools
                and getattr(self, key) != spec.get_default(call_default_factory=True)
            ):
                raise problem('combination', f'{key} is not for {tool}', f'{key} is for {" and ".join(tools)}', key)
        if tool in KEYS_OF_TOOLS['part'] and self.part is None:
            raise problem('combination', f'{tool} needs a part', 'for example part: xcvu13p-flga2577-2-e', 'tool')
        return self


KEYS_OF_TOOLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        'family': ('yosys',),
        'device': ('nextpnr',),
        'seeds': ('nextpnr',),
        'part': ('vivado', 'quartus'),
        'strategy': ('vivado', 'quartus'),
        'directives': ('vivado',),
        'retiming': ('vivado', 'quartus'),
    }
)


class SynthesizeConfig(ToolSection):
    """Mapping to the cells of a device family, for LUT and register counts."""

    tool: Literal['yosys', 'vivado'] = Field(default='yosys', description='tool')
    family: Literal['xcup', 'xcu', 'xc7', 'ecp5', 'ice40', 'gowin'] = Field(
        default='xcup', description='yosys: device family'
    )


class ImplementConfig(ToolSection):
    """Placement and routing, for the clock frequency reached."""

    tool: Literal['nextpnr', 'vivado', 'quartus'] = Field(default='nextpnr', description='tool')
    device: NextpnrDevice = Field(default='ecp5-85k', description='nextpnr: device')
    seeds: tuple[Annotated[int, Field(ge=0, le=2**31 - 1)], ...] = Field(
        default=(1,),
        min_length=1,
        max_length=100,
        description='nextpnr: one placement a seed; figures are their median',
    )
    clock_ns: PositiveNs | None = Field(
        default=None, description='clock period that must be met in ns; null: the frequency reached is only reported'
    )

    @field_validator('seeds')
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        for position, seed in enumerate(seeds):
            if seed in seeds[:position]:
                raise problem('value', f'seed {seed} is there twice', 'every seed once')
        return seeds


class ResultsConfig(Section):
    """Where runs are recorded."""

    database: str | None = Field(
        default='sqlite:///results/da4ml.sqlite',
        description='sqlite:///path, relative to this file, or postgresql://user@host/name; null: no database',
    )

    @field_validator('database')
    @classmethod
    def _known(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r'^(sqlite:///|postgresql(\+psycopg)?://).', url):
            hint = 'write sqlite:///path/to/file.sqlite or postgresql://user@host/database'
            raise problem('value', 'not the URL of a results database', hint)
        if url is not None and re.search(r'://[^/@]*:[^/]*@|[?&]password=', url):
            hint = 'leave it to ~/.pgpass, PGPASSWORD, or the whole URL to DA4ML_FLOW_DB'
            raise problem('value', 'a password in it would be kept with every run', hint)
        return url


class BuildConfig(Section):
    """One build, from a trained model to measured hardware. A stage whose section is absent is not run."""

    name: str = Field(
        pattern=r'^[A-Za-z][A-Za-z0-9_-]*$', max_length=100, description='name of the design and of its results'
    )
    model: ModelConfig = Field(description='the trained model')
    quantization: QuantizationConfig | None = Field(
        default=None, description='how a float model is quantized; absent: the model has quantizers itself'
    )
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig, description='adder optimization')
    rtl: RtlConfig = Field(default_factory=RtlConfig, description='hardware description')
    hls: HlsConfig | None = Field(default=None, description='Verilog from rtl.language: vitis; absent: not run')
    lint: LintConfig | None = Field(default=None, description='static checks; absent: not run')
    simulate: SimulateConfig | None = Field(default=None, description='bit-exact simulation; absent: not run')
    verify: Annotated[VerifyConfig | None, BeforeValidator(_method_alone)] = Field(
        default=None,
        description='proof of equality, `formal` for short; absent: not run',
        json_schema_extra=_or_formal,
    )
    synthesize: SynthesizeConfig | None = Field(default=None, description='synthesis; absent: not run')
    implement: ImplementConfig | None = Field(default=None, description='place and route; absent: not run')
    results: ResultsConfig = Field(default_factory=ResultsConfig, description='record of runs')
    sweep: SweepConfig | None = Field(default=None, description='many builds by `da4ml-flow sweep`; `build` ignores it')

    @property
    def calibration(self) -> DatasetConfig | None:
        """The samples that a float model is quantized with."""
        own = None if self.quantization is None else self.quantization.calibration
        return own or self.model.dataset

    @model_validator(mode='after')
    def _quantization_needs_samples(self) -> Self:
        if self.quantization is not None and self.calibration is None:
            raise problem(
                'combination',
                'quantization without samples to calibrate with',
                'give quantization.calibration, or model.dataset',
                'quantization',
            )
        return self

    @property
    def max_operands(self) -> int:
        """Terms of one adder."""
        asked = self.optimizer.max_operands
        return DEVICES[self.optimizer.device].max_operands if asked == 'auto' else asked

    @property
    def top(self) -> str:
        """The name of the top module: that of the build where both languages can bear it, or the nearest that is."""
        from da4ml_core.codegen.names import identifier

        return self.rtl.top or identifier(self.name)

    @model_validator(mode='after')
    def _tools_read_hardware(self) -> Self:
        language = self.rtl.language
        if self.hls is not None and language != 'vitis':
            raise problem('combination', f'hls with rtl.language: {language}', 'rtl.language: vitis', 'hls')
        for name in ('lint', 'simulate', 'verify', 'synthesize', 'implement'):
            section = getattr(self, name)
            if not self.rtl.is_hls or section is None:
                continue
            if self.hls is not None and section.model_dump().get('tool') == 'vivado':
                continue  # of the Verilog that Vitis HLS makes
            hint = 'its own project has a test bench and a build script; leave the section out'
            if language == 'vitis' and name in ('synthesize', 'implement'):
                hint = f'hls: {{part: ...}} makes Verilog of it, and then {name}: {{tool: vivado, part: ...}}'
            raise problem('combination', f'{name} with rtl.language: {language}, which is C++', hint, name)
        return self
