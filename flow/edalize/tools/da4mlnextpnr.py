"""nextpnr over several seeds of one netlist, with a report of each: the stock tool runs one and keeps no report."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from edalize.tools.edatool import Edatool  # type: ignore[import-untyped]
from edalize.utils import EdaCommands  # type: ignore[import-untyped]


class Device(NamedTuple):
    """How the device of a family is asked for; a package is enough where it is not said what is."""

    arguments: tuple[str, ...]
    package: str = ''


_UNCONSTRAINED = {'ecp5': '--lpf-allow-unconstrained', 'ice40': '--pcf-allow-unconstrained'}
DEVICES: Mapping[str, Mapping[str, Device]] = MappingProxyType(
    {
        'ecp5': {size: Device((f'--{size}',), 'CABGA381') for size in ('12k', '25k', '45k', '85k')},
        'ice40': {
            'hx1k': Device(('--hx1k',), 'tq144'),
            'hx8k': Device(('--hx8k',), 'ct256'),
            'up5k': Device(('--up5k',), 'sg48'),
        },
        # nextpnr-himbaechel, which follows nextpnr-gowin, has no delays of these: with it there is no frequency
        'gowin': {'gw1n-9c': Device(('--device', 'GW1NR-LV9QN88PC6/I5', '--family', 'GW1N-9C'))},
    }
)


class Da4mlnextpnr(Edatool):  # type: ignore[misc]  # edalize finds a tool by its module's name, capitalized
    """Place and route for ECP5, iCE40 and Gowin; one make target a seed, `seed<N>.json`."""

    description = 'nextpnr over several seeds'

    TOOL_OPTIONS: ClassVar[dict[str, Any]] = {
        'family': {'type': 'str', 'desc': f'{", ".join(DEVICES)} (ecp5)'},
        'device': {'type': 'str', 'desc': '; '.join(f'{name}: {", ".join(sizes)}' for name, sizes in DEVICES.items())},
        'package': {'type': 'str', 'desc': 'Package of an ECP5 or iCE40 (CABGA381, tq144, ct256 or sg48)'},
        'speed': {'type': 'str', 'desc': 'Speed grade of an ECP5: 6, 7 or 8 (6)'},
        'clock_mhz': {'type': 'str', 'desc': 'Clock constraint in MHz; missing it is no error'},
        'seeds': {'type': 'str', 'desc': 'Seeds (1)', 'list': True},
    }

    def setup(self, edam: dict[str, Any]) -> None:
        super().setup(edam)
        netlists = [file['name'] for file in self.files if file.get('file_type') == 'jsonNetlist']
        if len(netlists) != 1:
            raise RuntimeError(f'nextpnr wants one netlist, not {len(netlists)}')
        base = [*self._device(), '--timing-allow-fail', '--json', netlists[0]]
        if 'clock_mhz' in self.tool_options:
            base += ['--freq', f'{float(self.tool_options["clock_mhz"]):.6g}']
        self.edam = {**edam, 'files': [file for file in self.files if file.get('file_type') != 'jsonNetlist']}
        self.commands = EdaCommands()
        reports = []
        for seed in (str(int(seed)) for seed in self.tool_options.get('seeds', ['1'])):
            report = f'seed{seed}.json'
            command = [*base, '-q', '-l', f'seed{seed}.log', '--seed', seed, '--report', report]
            self.commands.add(command, [report], [netlists[0]])
            reports.append(report)
        self.commands.add([], ['routed'], reports)
        self.commands.set_default_target('routed')

    def _device(self) -> list[str]:
        """The program and the words that name the device."""
        options = self.tool_options
        family, size = options.get('family', 'ecp5'), self._require_tool_option('device')
        device = DEVICES.get(family, {}).get(size)
        if device is None:
            raise RuntimeError(f'nextpnr has no device {size!r} of family {family!r} here')
        words = [f'nextpnr-{family}', *device.arguments]
        if device.package:
            words += ['--package', _word(options.get('package', device.package)), _UNCONSTRAINED[family]]
        if family == 'ecp5':
            words += ['--speed', str(int(options.get('speed', '6')))]
        return words


def _word(text: str) -> str:
    """The text, if neither make nor a shell could take it for more than a word."""
    if not text.isascii() or not text.isalnum():
        raise RuntimeError(f'{text!r} cannot be the name of a package')
    return text
