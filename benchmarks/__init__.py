"""The figures that mock-june promises, measured beside its peers in the same run: `make bench`, or `python -m benchmarks NAME ...`."""
