"""The provider for hls4ml: its strategy `distributed_arithmetic`, and Keras layers that it does not know, solved by us.

hls4ml finds :func:`register` by the entry point ``hls4ml.backends``. Of its passes for Vivado and Vitis, those that
would ask another package for the adder graph are replaced; everything else, from the types to the text of the project,
stays its own.
"""

from __future__ import annotations

from collections.abc import Callable


def register(register_backend: Callable[..., None], register_writer: Callable[..., None]) -> None:
    """Called by hls4ml while it is imported: only its backends are there yet, neither its models nor its converters."""
    from da4ml_flow.integrations.hls4ml_passes import replace_passes

    replace_passes()


def serve_unknown_layers() -> None:
    """From now on, what hls4ml has no handler for is traced by our reader of Keras files. Raises ImportError."""
    from da4ml_flow.integrations.hls4ml_layer import replace_fallback

    replace_fallback()
