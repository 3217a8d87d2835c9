"""The HTTP edge: it decodes, calls and encodes, and knows no rules.

`server` listens, `connection` guards a single connection, `middleware` is what every request
passes, `failures` turns errors into answers, `body` reads documents, `ops` is for monitoring. No
decision about keys, models or money may come in here, and no database.
"""
