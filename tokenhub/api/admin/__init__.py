"""The admin API under `/admin/v1`: one module a noun, each decodes, calls and encodes.

The rules are in `administration`. `routes` puts the guard before every route, so that none can be
added without it.
"""
