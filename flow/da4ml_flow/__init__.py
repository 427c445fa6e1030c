"""The build flow around the compiler: configuration, stages, tools, results, command line."""
