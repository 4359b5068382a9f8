"""The folder that stands on the path of Python children. The files in it import nothing of mock_june."""
