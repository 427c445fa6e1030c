"""The da4ml-flow compiler: exact fixed-point programs from quantized models, as shift-and-add hardware."""
