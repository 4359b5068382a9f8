"""`python -m mock_june`: the same as the command `mock-june`."""

from mock_june.cli.main import main

main()
