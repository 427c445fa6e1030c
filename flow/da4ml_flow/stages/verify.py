"""A proof that the hardware description is its program, for every input there is; or a sample on which it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from da4ml_core.errors import CodegenError
from da4ml_flow.config.model import BuildConfig
from da4ml_flow.results.metrics import ToolVersion, measure
from da4ml_flow.stages.base import StageContext, StageOutcome

if TYPE_CHECKING:
    from da4ml_core.codegen.bundle import RtlBundle
    from da4ml_core.ir.program import Program
    from da4ml_flow.eda.backends.formal import Proof


class Verify:
    """Makes ``proof_report``, a readable text; a design that is too large, or takes too long, is neither yes nor no."""

    name = 'verify'
    inputs = ('program', 'rtl')
    replaces: tuple[str, ...] = ()

    def settings(self, config: BuildConfig) -> Mapping[str, Any] | None:
        return None if config.verify is None else config.verify.model_dump(mode='json')

    def tools(self, config: BuildConfig) -> tuple[ToolVersion, ...]:
        from da4ml_flow.eda import fusesoc, tools

        yosys, *_ = tools.find_all(tools.SYNTHESIZE)
        front_end = tools.find_all(tools.FRONT_ENDS[config.rtl.language])
        return (yosys.record, *(tool.record for tool in front_end), *fusesoc.libraries())

    def run(self, context: StageContext) -> StageOutcome:
        from da4ml_core.ir.serialize import load_program
        from da4ml_flow.eda import core_file
        from da4ml_flow.eda.backends import formal

        section = context.config.verify
        if section is None:
            return StageOutcome()
        program = load_program(context.artifacts['program'])
        report = context.directory / 'proof.txt'
        ok, proved = True, False
        if program.num_ops > section.max_ops:
            lines = [
                f'not proved: {program.num_ops} operations are more than verify.max_ops, {section.max_ops}; '
                'simulation alone stands for them'
            ]
        else:
            context.report(f'SAT over all inputs of {program.num_ops} operations')
            rtl = context.artifacts['rtl']
            proof = formal.prove(rtl, program, context.directory / 'yosys', timeout_s=section.timeout_s)
            proved = proof.verdict.outcome == 'proved'
            if proved:
                lines = [f'proved: equal to the program for every input ({program.num_ops} operations)']
            elif proof.verdict.outcome == 'timeout':
                lines = [f'not proved: neither a proof nor a failing input within {section.timeout_s:g} s']
            else:
                ok, lines = False, list(_refutation(program, core_file.load_bundle(rtl), proof))
        report.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        metrics = (measure('proved', int(proved), stage=self.name, tool='yosys'),)
        message = lines[0] if ok else '; '.join(lines)
        return StageOutcome({'proof_report': report}, metrics, self.tools(context.config), ok=ok, message=message)


def _refutation(program: Program, bundle: RtlBundle, proof: Proof) -> Iterator[str]:
    """The failing sample in fixed point, and what the design makes of it instead of what the interpreter does.

    Raises CodegenError where the interpreter does not agree with the reference that Yosys was given.
    """
    from da4ml_core.codegen.ports import ordered_inputs
    from da4ml_core.interp.reference import evaluate
    from da4ml_flow.eda import vectors

    sample = vectors.unpack_word(bundle.inputs, proof.samples[0])
    expected = vectors.unpack_word(bundle.outputs, proof.expected)
    got = vectors.unpack_word(bundle.outputs, proof.got)
    order = [index for index, _ in ordered_inputs(program)]
    by_op = dict(zip(order, sample, strict=True))
    replayed = [int(code) for code in evaluate(program, [by_op[index] for index in sorted(order)])]
    if replayed != expected:
        raise CodegenError(
            f'the interpreter makes {replayed} of {sample}, and the reference of the proof {expected}',
            hint='please report this with the model',
        )
    yield 'refuted: the design is not the program on this sample'
    for field, code in zip(bundle.inputs, sample, strict=True):
        yield f'input {field.position} = {vectors.number_text(code, field)} ({field.type})'
    for field, want, have in zip(bundle.outputs, expected, got, strict=True):
        if want != have:
            numbers = vectors.number_text(want, field), vectors.number_text(have, field)
            yield f'output {field.position}: expected {numbers[0]}, got {numbers[1]} ({field.type})'
    for cycle, word in enumerate(proof.samples[1:], 1):
        codes = vectors.unpack_word(bundle.inputs, word)
        yield f'{cycle} cycles later the inputs are the codes {codes}'
