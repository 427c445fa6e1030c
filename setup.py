"""Package discovery and Cython kernels; all metadata lives in pyproject.toml."""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

DEBUG = os.environ.get('DA4ML_CYTHON_DEBUG') == '1'
ROOTS = {'da4ml_core': 'core/da4ml_core', 'da4ml_flow': 'flow/da4ml_flow', 'da4ml_ip': 'ip', 'edalize': 'flow/edalize'}
PLUGINS = ['edalize.tools']  # our part of edalize's namespace package: no __init__.py may be in it


def kernel(pyx: Path) -> Extension:
    """One extension a kernel: C++ by the `# distutils:` line of the file, optimization the same for all."""
    name = '.'.join(pyx.relative_to('core').with_suffix('').parts)
    return Extension(name, [str(pyx)], extra_compile_args=['-O0' if DEBUG else '-O3'])


KERNELS = [kernel(pyx) for pyx in sorted(Path('core').rglob('*.pyx'))]
if not KERNELS:  # an sdist without .pyx would silently build a wheel without kernels
    raise SystemExit('no .pyx files under core/')

setup(
    packages=[*find_packages('core'), *find_packages('flow'), *PLUGINS, 'da4ml_ip'],
    package_dir=ROOTS,
    ext_modules=cythonize(
        KERNELS,
        compiler_directives={
            'language_level': 3,
            'boundscheck': DEBUG,
            'wraparound': False,
            'initializedcheck': DEBUG,
            'cdivision': True,
        },
        annotate=DEBUG,
        force='--force' in sys.argv,  # cythonize ignores a change of directives
    ),
)
