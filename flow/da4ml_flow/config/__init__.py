"""The configuration of a build: its model, and the reader that names file, line and column of every mistake."""
