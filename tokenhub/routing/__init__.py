"""Which model takes a request.

Pure decisions over an immutable registry snapshot: no socket, no file, no clock, no randomness of
its own comes in here; what a decision needs to know of the world is handed to it as a value.
"""
