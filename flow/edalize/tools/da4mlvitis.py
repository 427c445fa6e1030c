"""Vitis HLS: C++ simulated, then synthesized to Verilog, one make target a step."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]

# the same scripts by either: vitis_hls is gone from 2025.1 on
_PROGRAMS = {'vitis_hls': ['vitis_hls', '-f'], 'vitis-run': ['vitis-run', '--mode', 'hls', '--tcl']}
_STEPS = ('csim', 'csynth')
_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.-]*')
_FILE = re.compile(r'[A-Za-z0-9_./+-]+')


class Da4mlvitis(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """`<step>.done` appears after a step, which has a project of its own: make goes on after the last that is there.

    The Verilog is in `csynth/solution/syn/verilog`.
    """

    description = 'Vitis HLS up to Verilog'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'part': {'type': 'str', 'desc': 'Part with package and speed grade (xcvu13p-flga2577-2-e)'},
        'clock_ns': {'type': 'str', 'desc': 'Period of the clock in ns (5)'},
        'test_bench': {'type': 'str', 'desc': 'Files that are for simulation alone, by name', 'list': True},
        'program': {'type': 'str', 'desc': f'What runs a script: {" or ".join(_PROGRAMS)}'},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        program = self.tool_options.get('program', 'vitis_hls')
        if program not in _PROGRAMS:
            raise RuntimeError(f'Vitis HLS is not run by {program!r}, but by {" or ".join(_PROGRAMS)}')
        names = [_checked(_FILE, file['name']) for file in self.files]
        for_test = self.tool_options.get('test_bench', [])
        benches = [name for name in names if name.rpartition('/')[2] in for_test]
        headers = [file['name'] for file in self.files if file.get('is_include_file')]
        sources = [name for name in names if name not in (*benches, *headers)]
        self.edam = {**edam, 'files': []}
        self.scripts: dict[str, str] = {}
        self.commands = EdaCommands()
        depends = names
        for step in _STEPS:
            script, target = f'{step}.tcl', f'{step}.done'
            self.scripts[script] = '\n'.join(self._script(step, sources, benches)) + '\n'
            self.commands.add([*_PROGRAMS[program], script], [target], [*depends, script])
            depends = [target]
        self.commands.set_default_target(depends[0])

    def write_config_files(self) -> None:
        for name, text in self.scripts.items():
            self.update_config_file(name, text)

    def _script(self, step: str, sources: list[str], benches: list[str]) -> Iterator[str]:
        yield f'open_project -reset {step}'
        yield f'set_top {_checked(_WORD, self.toplevel)}'
        for name in sources:
            yield f'add_files {name}'
        if step == 'csim':
            for name in benches:
                local = name.rpartition('/')[2]
                if not name.endswith('.cpp') and local != name:
                    yield f'file copy -force {name} {local}'  # data is found by the name that it has here
                    name = local
                yield f'add_files -tb {name}'
        yield 'open_solution -reset solution -flow_target vivado'
        yield f'set_part {_checked(_WORD, self._require_tool_option("part"))}'
        yield f'create_clock -period {float(self.tool_options.get("clock_ns", "5")):.6g}'
        yield f'{step}_design'
        yield f'close [open {step}.done w]'
        yield 'exit'


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """The word, if neither Tcl, make nor a shell could take it for more than a word."""
    if not pattern.fullmatch(word):
        raise RuntimeError(f'{word!r} cannot be a name in a script of Vitis HLS')
    return word
