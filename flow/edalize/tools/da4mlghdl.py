"""GHDL as a front end: VHDL-2008 analyzed, and synthesized to Verilog for the tools that read no VHDL."""

import re
from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]

_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]*')
_FILE = re.compile(r'[A-Za-z0-9_./+-]+')
_LIBRARY = 'work-obj08.cf'  # what GHDL calls its library `work` of VHDL-2008


class Da4mlghdl(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """Every VHDL file into the library `work`, in order; then, unless only analysis is asked for, `<unit>_vhdl.v`.

    The stock tool says `run` where it should name a file, and keeps what GHDL writes to itself.
    """

    description = 'GHDL: analysis of VHDL-2008, and its synthesis to Verilog'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'analyze_only': {'type': 'bool', 'desc': 'Only analyze the sources'},
        'unit': {'type': 'str', 'desc': 'Entity to synthesize (the top level)'},
        'cells': {
            'type': 'str',
            'desc': 'Components without an entity, which are cells of the tool that reads the Verilog',
            'list': True,
        },
        'ghdl_warnings': {'type': 'str', 'desc': 'Names of warnings to ask for in analysis', 'list': True},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        sources = [file['name'] for file in self.files if file.get('file_type', '').startswith('vhdlSource')]
        rest = [file for file in self.files if file['name'] not in sources]
        for name in sources:
            _checked(_FILE, name)
        warnings = [f'-W{_checked(_WORD, name)}' for name in self.tool_options.get('ghdl_warnings', [])]
        cells = [_checked(_WORD, name) for name in self.tool_options.get('cells', [])]
        unbound = ['-Wno-binding'] if cells else []
        generics = [
            f'-g{_checked(_WORD, name)}={_checked(_WORD, self._param_value_str(value))}'
            for name, value in self.generic.items()
        ]
        self.commands = EdaCommands()
        self.commands.add(['ghdl', '-a', '--std=08', *warnings, *unbound, *sources], [_LIBRARY], sources)
        target = _LIBRARY
        if not self.tool_options.get('analyze_only'):
            unit = _checked(_WORD, self.tool_options.get('unit', self.toplevel))
            target = f'{unit}_vhdl.v'
            command = ['ghdl', 'synth', '--std=08', '--out=verilog', *unbound, *generics, unit]
            steps = [[*command, '>', f'{target}.part'], ['mv', f'{target}.part', target]]
            if cells:  # GHDL declares them as modules without a body, some of them more than once
                declared = f"'/^module ({'|'.join(cells)})$$/,/^endmodule$$/d'"  # of the dollars make leaves one
                steps[1:1] = [['sed', '-E', '-i.declared', declared, f'{target}.part']]
            self.commands.add(steps, [target], [_LIBRARY])
            rest.append({'name': target, 'file_type': 'verilogSource'})
        self.edam = {**edam, 'files': rest}
        self.commands.set_default_target(target)


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """The word, if neither GHDL, make nor a shell could take it for more than a word."""
    if not pattern.fullmatch(word):
        raise RuntimeError(f'{word!r} cannot be a name in a script of GHDL')
    return word
