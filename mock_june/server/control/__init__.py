"""The control API, `/_mock/*`, without a framework: what is asked of the record and planned for the calls to come.

`api` has its paths and answers them; `live` waits where an answer does, on the event loop or in a thread.
"""
