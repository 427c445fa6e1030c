"""The order of a build: what must run, what is there already, what goes on after a failure."""
