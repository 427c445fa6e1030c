"""The steps of a build, each a function of its configuration and the artifacts of earlier steps."""
