"""Symbolic tracing: numpy expressions over fixed-point arrays become programs."""
