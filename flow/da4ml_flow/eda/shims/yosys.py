"""`yosys -l LOG -s SCRIPT` over the pyosys wheel, which has the library but no program.

A process of its own: an error inside Yosys ends the interpreter.
"""

import argparse
from importlib import import_module, metadata


def main() -> None:
    parser = argparse.ArgumentParser(prog='yosys')
    parser.add_argument('-V', '--version', action='version', version=f'Yosys {metadata.version("pyosys")}')
    parser.add_argument('-l', dest='log', help='write the log to this file, too')
    parser.add_argument('-s', dest='script', required=True, help='file of Yosys commands')
    options = parser.parse_args()
    libyosys = import_module('pyosys.libyosys')
    command = f'script {options.script}'
    if options.log:
        command = f'tee -o {options.log} {command}'
    libyosys.run_pass(command, libyosys.Design())


if __name__ == '__main__':
    main()
