eval "$(_MOCK_JUNE_COMPLETE=bash_source mock-june)"
