"""What an administrator may change, and how: one service class a noun.

Every change runs through `changes.Changes`: one at a time, the row and its audit row in one
transaction, then the memory that requests read, and only then the answer. So no noun can forget
the audit row, memory and database cannot disagree, and what was revoked is refused from the moment
it is answered.

Not in here: HTTP (`api.admin` decodes and encodes), SQL (`storage`), ciphers (`vault`), and what a
request does with what was configured.
"""
