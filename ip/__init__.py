"""Hand-written HDL primitives as FuseSoC cores; the package is a directory of data."""
