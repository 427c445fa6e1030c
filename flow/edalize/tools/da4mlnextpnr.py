"""nextpnr over several seeds of one netlist, with a report of each: the stock tool runs one and keeps no report."""

from typing import Any, ClassVar

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]


class Da4mlnextpnr(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """Place and route for ECP5; one make target a seed, `seed<N>.json`."""

    description = 'nextpnr-ecp5 over several seeds'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'device': {'type': 'str', 'desc': 'Size of the device: 12k, 25k, 45k or 85k'},
        'package': {'type': 'str', 'desc': 'Package (CABGA381)'},
        'speed': {'type': 'str', 'desc': 'Speed grade: 6, 7 or 8 (6)'},
        'clock_mhz': {'type': 'str', 'desc': 'Clock constraint in MHz; missing it is no error'},
        'seeds': {'type': 'str', 'desc': 'Seeds (1)', 'list': True},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        netlists = [file['name'] for file in self.files if file.get('file_type') == 'jsonNetlist']
        if len(netlists) != 1:
            raise RuntimeError(f'nextpnr wants one netlist, not {len(netlists)}')
        options = self.tool_options
        base = ['nextpnr-ecp5', f'--{self._require_tool_option("device")}']
        base += ['--package', options.get('package', 'CABGA381'), '--speed', options.get('speed', '6')]
        base += ['--lpf-allow-unconstrained', '--timing-allow-fail', '--json', netlists[0]]
        if 'clock_mhz' in options:
            base += ['--freq', options['clock_mhz']]
        self.edam = {**edam, 'files': [file for file in self.files if file.get('file_type') != 'jsonNetlist']}
        self.commands = EdaCommands()
        reports = []
        for seed in options.get('seeds', ['1']):
            report = f'seed{seed}.json'
            command = [*base, '-q', '-l', f'seed{seed}.log', '--seed', seed, '--report', report]
            self.commands.add(command, [report], [netlists[0]])
            reports.append(report)
        self.commands.add([], ['routed'], reports)
        self.commands.set_default_target('routed')
