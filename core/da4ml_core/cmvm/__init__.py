"""The solver of constant-matrix-vector products."""
