"""Yosys from a plain script: the stock tool needs Yosys' Tcl, which no wheel of Yosys has."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]

_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.]*')
_FILE = re.compile(r'[A-Za-z0-9_./+-]+')
_SELECTION = re.compile(r'[A-Za-z0-9_*:/.%-]+')
_OPTION = re.compile(r'[A-Za-z0-9_-]+')
_TABLES = '*_table*'  # modules of tables, which the emitter names so
# all steps but the last ones: `autoname` there takes longer than all others on a large netlist
_OPEN = {
    'ecp5': 'synth_ecp5 -run begin:check',
    'ice40': 'synth_ice40 -run begin:check',
    'gowin': 'synth_gowin -run begin:check -nolutram -noiopads',
}


class Da4mlyosys(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """Synthesis of a kernel, without pads, to cell counts (`<name>_stat.json`) and a netlist.

    The netlist is Verilog (`<name>_netlist.v.gz`), or for place and route JSON (`<name>.json`).
    """

    description = 'Yosys, driven by a plain script'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'family': {'type': 'str', 'desc': f'{", ".join(_OPEN)}, or a family of synth_xilinx (xcup)'},
        'keep_module': {'type': 'str', 'desc': 'Module that is synthesized on its own and counted on its own'},
        'keep_nets': {'type': 'str', 'desc': 'Selections of nets that no optimization may remove', 'list': True},
        'no_shift_registers': {'type': 'bool', 'desc': 'Leave chains of registers in flip-flops'},
        'netlist': {'type': 'bool', 'desc': 'Write the netlist as place and route reads it'},
        'yosys_synth_options': {'type': 'str', 'desc': 'Additional options for the synth command', 'list': True},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        sources, rest = [], []
        for file in self.files:
            kind = file.get('file_type', '')
            if kind.startswith(('verilogSource', 'systemVerilogSource')):
                sources.append((_checked(_FILE, file['name']), kind.startswith('systemVerilogSource')))
            else:
                rest.append(file)
        script, target = f'{self.name}.ys', f'{self.name}_stat.json'
        if self.tool_options.get('netlist'):
            target = f'{self.name}.json'
            rest.append({'name': target, 'file_type': 'jsonNetlist'})
        self.edam = {**edam, 'files': rest}
        self.script = '\n'.join(self._script(sources)) + '\n'
        self.commands = EdaCommands()
        depends = [script, *(name for name, _ in sources)]
        self.commands.add(['yosys', '-l', 'yosys.log', '-s', script], [target], depends)
        self.commands.set_default_target(target)

    def write_config_files(self) -> None:
        self.update_config_file(f'{self.name}.ys', self.script)

    def _script(self, sources: list[tuple[str, bool]]) -> Iterator[str]:
        top, family = _checked(_WORD, self.toplevel), _checked(_WORD, self.tool_options.get('family', 'xcup'))
        for name, system_verilog in sources:
            yield f'read_verilog {"-sv " if system_verilog else ""}{name}'
        for name, value in self.vlogparam.items():
            yield f'chparam -set {_checked(_WORD, name)} {self._param_value_str(value, str_quote_style=chr(34))} {top}'
        yield f'hierarchy -top {top}'  # synth_* checks it, once it knows the cells of its family
        if self.vlogparam:
            yield f'rename -top {top}'  # `hierarchy` may have named it after its parameters
        keep, tables = self.tool_options.get('keep_module'), _TABLES
        if keep:
            tables = f'{_TABLES} {_checked(_WORD, keep)} %d'  # which may have such a name, and stays
            yield f'setattr -mod -set keep_hierarchy 1 {_checked(_WORD, keep)}'
        for nets in self.tool_options.get('keep_nets', []):
            yield f'setattr -set keep 1 {_checked(_SELECTION, nets)}'
        # alone, a table is its LUTs; within the whole it would take registers in front of it as its own, once each
        yield f'logger -nowarn "Selection .*{_TABLES[1:-1]}.* did not match"'
        yield f'setattr -mod -set keep_hierarchy 1 {tables}'
        # tables are logic: their latency would not be that of a block RAM
        more = self.tool_options.get('yosys_synth_options', [])
        options = ' '.join(['-nobram', *(_checked(_OPTION, word) for option in more for word in option.split())])
        if family in _OPEN:
            yield f'{_OPEN[family]} -top {top} {options}'
            if family == 'gowin' and self.tool_options.get('netlist'):
                yield f'iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O {top}'  # not around a module that is kept
            yield 'blackbox =A:whitebox'
        else:
            # the attribute that Vivado knows is nothing to Yosys, and does not come through GHDL
            kept = ' -nosrl' if self.tool_options.get('no_shift_registers') else ''
            yield f'synth_xilinx -family {family} -top {top} -flatten -noiopad -noclkbuf {options}{kept}'
        yield f'setattr -mod -unset keep_hierarchy {tables}'
        yield 'flatten'
        yield 'check -noinit'
        yield f'tee -q -o {self.name}_stat.json stat -json'
        if self.tool_options.get('netlist'):
            yield f'write_json {self.name}.json'
        else:
            # without attributes, which name source files: the same cells are the same text
            yield f'write_verilog -noattr {self.name}_netlist.v.gz'


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """The word, if neither Yosys, make nor a shell could take it for more than a word."""
    if not pattern.fullmatch(word):
        raise RuntimeError(f'{word!r} cannot be a name in a script of Yosys')
    return word
