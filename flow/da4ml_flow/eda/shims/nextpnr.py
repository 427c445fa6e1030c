"""`nextpnr-<device family> ...` over the YoWASP wheel of that family, the first argument."""

import sys
from importlib import import_module

if __name__ == '__main__':
    family, *arguments = sys.argv[1:]
    sys.exit(getattr(import_module(f'yowasp_nextpnr_{family}'), f'run_nextpnr_{family}')(arguments))
