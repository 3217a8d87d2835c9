"""tokenhubctl: administration from the shell, one module per noun over `tokenhub.client`.

A command decodes its arguments, makes one or two calls, and prints a table for people or JSON for
programs. No rule lives here: the hub decides and words its refusals itself. Only `client`,
`config`, `errors` and `types` may be imported, and what is heavy only when a call is made, so that
`tokenhubctl --help` is there at once.
"""
