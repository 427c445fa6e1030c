"""Vivado without a project, out of context: one make target a step, each on the checkpoint of the step before."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]

_STEPS = ('synth', 'opt', 'place', 'phys_opt', 'route')
# the first version whose synth_design takes -global_retiming; before it there is -retiming, which is not in later ones
_GLOBAL_RETIMING = '2022.1'
_CONSTRAINTS = 'clock.xdc'
_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]*')
_FILE = re.compile(r'[A-Za-z0-9_./+-]+')


class Da4mlvivado(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """Synthesis, then as many steps of implementation as asked for; never a bitstream.

    Target `<step>.dcp` is a checkpoint that appears whole, after the step's reports in `reports/<step>_*`: whatever
    ends a run, make goes on after the last step that is there. The stock flow always goes to a bitstream, which a
    kernel with thousands of unplaced pins cannot have.
    """

    description = 'Vivado, out of context, one checkpoint a step'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'part': {'type': 'str', 'desc': 'Part with package and speed grade (xcvu13p-flga2577-2-e)'},
        'clock_ns': {'type': 'str', 'desc': 'Period of the clock in ns (5)'},
        'clock_port': {'type': 'str', 'desc': 'Port of the clock; without it paths are from input to output'},
        'last_step': {'type': 'str', 'desc': f'Last step of {", ".join(_STEPS)} (route)'},
        'retiming': {'type': 'bool', 'desc': 'Synthesis may move registers through logic'},
        **{f'{step}_directive': {'type': 'str', 'desc': f'Directive of step {step}'} for step in _STEPS},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        last = self.tool_options.get('last_step', _STEPS[-1])
        if last not in _STEPS:
            raise RuntimeError(f'Vivado has no step {last!r}; its steps: {", ".join(_STEPS)}')
        sources: list[dict[str, Any]] = []
        rest: list[dict[str, Any]] = []
        for file in self.files:
            kind = file.get('file_type', '')
            wanted = kind.startswith(('verilogSource', 'systemVerilogSource', 'vhdlSource')) or kind == 'xdc'
            (sources if wanted else rest).append(file)
        self.edam = {**edam, 'files': rest}
        self.scripts = {_CONSTRAINTS: '\n'.join(self._constraints()) + '\n'}
        self.commands = EdaCommands()
        depends = [_CONSTRAINTS, *(_checked(_FILE, file['name']) for file in sources)]
        for step in _STEPS[: _STEPS.index(last) + 1]:
            script, target = f'{step}.tcl', f'{step}.dcp'
            begin = self._synthesis(sources) if step == 'synth' else self._implementation(step, depends[0])
            self.scripts[script] = '\n'.join([*begin, *self._end(step)]) + '\n'
            command = ['vivado', '-mode', 'batch', '-nojournal', '-notrace', '-log', f'{step}.log', '-source', script]
            self.commands.add(command, [target], [*depends, script])
            depends = [target]
        self.commands.set_default_target(depends[0])

    def write_config_files(self) -> None:
        for name, text in self.scripts.items():
            self.update_config_file(name, text)

    def _constraints(self) -> Iterator[str]:
        period = f'{float(self.tool_options.get("clock_ns", "5")):.6g}'
        port = self.tool_options.get('clock_port', '')
        inputs = 'DIRECTION == IN'
        if port:
            yield f'create_clock -name clk -period {period} [get_ports {_checked(_WORD, port)}]'
            inputs += f' && NAME != {port}'
        else:
            yield f'create_clock -name clk -period {period}'
        outputs = '[get_ports -filter {DIRECTION == OUT}]'
        yield f'set_input_delay -clock clk 0 [get_ports -filter {{{inputs}}}]'
        yield f'set_output_delay -clock clk 0 {outputs}'
        # who drives the ports is not known here, nor its share of the clock's delay: hold is for the whole design
        yield f'set_false_path -hold -from [get_ports -filter {{{inputs}}}]'
        yield f'set_false_path -hold -to {outputs}'

    def _synthesis(self, sources: list[dict[str, Any]]) -> Iterator[str]:
        part = _checked(_WORD, self._require_tool_option('part'))
        for file in sources:
            kind, name = file['file_type'], file['name']
            if kind == 'xdc':
                yield f'read_xdc {name}'
            elif kind.startswith('vhdlSource'):
                yield f'read_vhdl {"-vhdl2008 " if "2008" in kind else ""}{name}'
            else:
                yield f'read_verilog {"-sv " if kind.startswith("system") else ""}{name}'
        yield f'read_xdc {_CONSTRAINTS}'
        yield f'set options [list -top {_checked(_WORD, self.toplevel)} -part {part} -mode out_of_context]'
        for name, value in self.vlogparam.items():
            number = int(value) if isinstance(value, bool | int) else None
            if number is None:
                raise RuntimeError(f'parameter {name} of Vivado is not an integer: {value!r}')
            yield f'lappend options -generic {_checked(_WORD, name)}={number}'
        yield f'lappend options -flatten_hierarchy rebuilt{self._directive("synth")}'
        if self.tool_options.get('retiming'):
            yield r'regexp {^\d+\.\d+} [version -short] release'
            yield f'if {{[package vcompare $release {_GLOBAL_RETIMING}] >= 0}} {{'
            yield '  lappend options -global_retiming on'
            yield '} else {'
            yield '  lappend options -retiming'
            yield '}'
        yield 'synth_design {*}$options'

    def _implementation(self, step: str, checkpoint: str) -> Iterator[str]:
        yield f'open_checkpoint {checkpoint}'
        yield f'{step}_design{self._directive(step)}'

    def _directive(self, step: str) -> str:
        directive = self.tool_options.get(f'{step}_directive', '')
        return f' -directive {_checked(_WORD, directive)}' if directive else ''

    def _end(self, step: str) -> Iterator[str]:
        report = f'reports/{step}_'
        yield 'file mkdir reports'
        yield f'report_utilization -file {report}utilization.rpt'
        yield f'report_utilization -hierarchical -format xml -file {report}hierarchy.xml'
        yield f'report_timing_summary -file {report}timing.rpt'
        yield f'report_timing -sort_by group -max_paths 100 -path_type summary -file {report}paths.rpt'
        yield f'report_power -file {report}power.rpt'
        yield f'report_drc -file {report}drc.rpt'
        if step in ('place', 'phys_opt', 'route'):
            yield f'report_design_analysis -congestion -file {report}congestion.rpt'
        yield f'write_checkpoint -force {step}.part.dcp'
        yield f'file rename -force {step}.part.dcp {step}.dcp'


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """The word, if neither Tcl, make nor a shell could take it for more than a word."""
    if not pattern.fullmatch(word):
        raise RuntimeError(f'{word!r} cannot be a name in a script of Vivado')
    return word
