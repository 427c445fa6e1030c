"""Yosys as a prover: a design and its reference side by side, and SAT over all their inputs."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]

_WORD = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.]*')
_FILE = re.compile(r'[A-Za-z0-9_./+-]+')


class Da4mlprove(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """Whether two modules of the same ports are equal; the answer is in `yosys.log`, with a sample if they are not.

    Of a pipeline only what comes out of the last cycle of a window counts, whatever was in it before: without feedback
    it forgets all that is older than its latency, so one such window stands for every time.
    """

    description = 'Yosys, proving by SAT'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'reference': {'type': 'str', 'desc': 'Verilog file with both modules'},
        'gold': {'type': 'str', 'desc': 'Module that is right'},
        'gate': {'type': 'str', 'desc': 'Module of the same ports around the design'},
        'latency_cycles': {'type': 'str', 'desc': 'Rising edges of clk from x to y (0: combinational)'},
        'limit_s': {'type': 'str', 'desc': 'Seconds after which SAT gives up'},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        sources = [file['name'] for file in self.files if file.get('file_type', '').startswith('verilogSource')]
        rest = [file for file in self.files if file['name'] not in sources]
        reference = _checked(_FILE, self.tool_options['reference'])
        self.edam = {**edam, 'files': rest}
        self.script = '\n'.join(self._script([*sources, reference])) + '\n'
        self.commands = EdaCommands()
        script, target = f'{self.name}.ys', 'yosys.log'
        command = ['yosys', '-l', f'{target}.part', '-s', script]
        self.commands.add([command, ['mv', f'{target}.part', target]], [target], [script, reference, *sources])
        self.commands.set_default_target(target)

    def write_config_files(self) -> None:
        self.update_config_file(f'{self.name}.ys', self.script)

    def _script(self, sources: list[str]) -> Iterator[str]:
        latency = int(self.tool_options.get('latency_cycles', '0'))
        gold, gate = (_checked(_WORD, self.tool_options[name]) for name in ('gold', 'gate'))
        yield from (f'read_verilog {_checked(_FILE, name)}' for name in sources)
        yield 'design -save all'
        for top in (gold, gate):
            yield 'design -load all'
            yield f'hierarchy -top {top}'
            yield from ('proc', 'memory', 'flatten', 'opt -full', 'wreduce', 'opt_clean')
            yield f'design -stash {top}'
        yield from (f'design -copy-from {top} -as {top} {top}' for top in (gold, gate))
        yield f'miter -equiv -flatten -make_outputs {gold} {gate} miter'
        yield 'hierarchy -top miter'
        yield 'opt -full'
        window = f'-seq {latency + 1} -prove-skip {latency} ' if latency else ''
        yield f'sat -prove trigger 0 {window}-show-ports -timeout {int(self.tool_options.get("limit_s", "600"))} miter'


def _checked(pattern: re.Pattern[str], word: str) -> str:
    """The word, if neither Yosys, make nor a shell could take it for more than a word."""
    if not pattern.fullmatch(word):
        raise RuntimeError(f'{word!r} cannot be a name in a script of Yosys')
    return word
