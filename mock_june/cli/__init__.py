"""The command `mock-june`: one file a command, each with options in, one call, an exit code out."""
