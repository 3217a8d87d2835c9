"""Protocols as pure functions of bytes: reading requests and answers, framing, splicing, errors.

No sockets, no clock, no storage, no randomness: what comes in are bytes and values, what goes out
are bytes and values. Which model is asked and what a call costs is decided above.
"""
