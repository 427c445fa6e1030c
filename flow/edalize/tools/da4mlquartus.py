"""Quartus Prime, Pro and Standard: synthesis, fit and timing of a kernel with virtual pins; never a bitstream."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]

_STEPS = ('synth', 'fit', 'sta')
_CONSTRAINTS = 'clock.sdc'
_KINDS = (('systemVerilogSource', 'SYSTEMVERILOG_FILE'), ('verilogSource', 'VERILOG_FILE'), ('vhdlSource', 'VHDL_FILE'))
_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]*')
_FILE = re.compile(r'[A-Za-z0-9_./+-]+')
_MODE = re.compile(r'[A-Z][A-Z ]*')


class Da4mlquartus(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """One make target a step, `<step>.done`, each by a script of `quartus_sh`; reports are in `output_files`."""

    description = 'Quartus Prime up to timing analysis, with virtual pins'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'part': {'type': 'str', 'desc': 'Part number (10AX115N2F40E1SG)'},
        'clock_ns': {'type': 'str', 'desc': 'Period of the clock in ns (5)'},
        'clock_port': {'type': 'str', 'desc': 'Port of the clock; without it paths are from input to output'},
        'mode': {'type': 'str', 'desc': 'OPTIMIZATION_MODE (BALANCED)'},
        'retiming': {'type': 'bool', 'desc': 'The fitter may move registers through logic'},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        sources: list[tuple[str, str]] = []
        rest: list[dict[str, Any]] = []
        for file in self.files:
            kind = file.get('file_type', '')
            name = next((name for prefix, name in _KINDS if kind.startswith(prefix)), '')
            if name:
                sources.append((name, _checked(_FILE, file['name'])))
            else:
                rest.append(file)
        self.edam = {**edam, 'files': rest}
        self.scripts = {_CONSTRAINTS: '\n'.join(self._constraints()) + '\n'}
        self.commands = EdaCommands()
        depends = [_CONSTRAINTS, *(name for _, name in sources)]
        for step in _STEPS:
            script, target = f'{step}.tcl', f'{step}.done'
            self.scripts[script] = '\n'.join(self._script(step, sources)) + '\n'
            self.commands.add(['quartus_sh', '-t', script], [target], [*depends, script])
            depends = [target]
        self.commands.set_default_target(depends[0])

    def write_config_files(self) -> None:
        for name, text in self.scripts.items():
            self.update_config_file(name, text)

    def _constraints(self) -> Iterator[str]:
        period = f'{float(self.tool_options.get("clock_ns", "5")):.6g}'
        port, inputs = self.tool_options.get('clock_port', ''), '[all_inputs]'
        if port:
            yield f'create_clock -name clk -period {period} [get_ports {_checked(_WORD, port)}]'
            inputs = f'[remove_from_collection [all_inputs] [get_ports {port}]]'
        else:
            yield f'create_clock -name clk -period {period}'
        yield f'set_input_delay -clock clk 0 {inputs}'
        yield 'set_output_delay -clock clk 0 [all_outputs]'
        yield f'set_false_path -hold -from {inputs}'
        yield 'set_false_path -hold -to [all_outputs]'

    def _script(self, step: str, sources: list[tuple[str, str]]) -> Iterator[str]:
        top = _checked(_WORD, self.toplevel)
        yield 'package require ::quartus::project'
        yield 'package require ::quartus::flow'
        if step == 'synth':
            yield from self._project(top, sources)
            # Pro has a synthesis of its own; in Standard it is called analysis and synthesis
            yield 'set tool [expr {[string match {*Pro Edition*} $quartus(version)] ? "syn" : "map"}]'
            yield 'execute_module -tool $tool'
        else:
            yield f'project_open -revision {top} {top}'
            yield f'execute_module -tool {step}'
        yield 'project_close'
        yield f'close [open {step}.done w]'

    def _project(self, top: str, sources: list[tuple[str, str]]) -> Iterator[str]:
        part = _checked(_WORD, self._require_tool_option('part'))
        yield 'package require ::quartus::device'
        yield f'project_new -overwrite -revision {top} {top}'
        yield f'set_global_assignment -name FAMILY [lindex [get_part_info -family {part}] 0]'
        yield f'set_global_assignment -name DEVICE {part}'
        yield f'set_global_assignment -name TOP_LEVEL_ENTITY {top}'
        yield 'set_global_assignment -name PROJECT_OUTPUT_DIRECTORY output_files'
        yield 'set_global_assignment -name VHDL_INPUT_VERSION VHDL_2008'
        for name, path in sources:
            yield f'set_global_assignment -name {name} {path}'
        yield f'set_global_assignment -name SDC_FILE {_CONSTRAINTS}'
        mode = _checked(_MODE, self.tool_options.get('mode', 'BALANCED'))
        yield f'set_global_assignment -name OPTIMIZATION_MODE {{{mode}}}'
        # an assignment of Pro only
        yield 'if {[string match {*Pro Edition*} $quartus(version)]} {'
        retiming = 'ON' if self.tool_options.get('retiming') else 'OFF'
        yield f'  set_global_assignment -name ALLOW_REGISTER_RETIMING {retiming}'
        yield '}'
        for name, value in self.vlogparam.items():
            if not isinstance(value, bool | int):
                raise RuntimeError(f'parameter {name} of Quartus is not an integer: {value!r}')
            yield f'set_parameter -name {_checked(_WORD, name)} {int(value)}'
        yield 'set_instance_assignment -name VIRTUAL_PIN ON -to *'
        if port := self.tool_options.get('clock_port', ''):
            yield f'set_instance_assignment -name VIRTUAL_PIN OFF -to {port}'
        yield 'export_assignments'


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """The word, if neither Tcl, make nor a shell could take it for more than a word."""
    if not pattern.fullmatch(word):
        raise RuntimeError(f'{word!r} cannot be a name in a script of Quartus')
    return word
