"""mock-june: a fake June (june.so) to run locally and in CI, and the tools around it."""
__version__ = "0.1.0"
