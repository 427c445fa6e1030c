"""Two evaluators of programs: the reference one and the fast batch one, which must agree."""
