"""The command `da4ml-flow`: one file a command, loaded when it is called."""
