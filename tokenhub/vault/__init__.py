"""Keeps provider keys encrypted at rest and readable only while the vault is unlocked.

`cipher` encrypts bytes, `slots` turns a password into the data key, `transactions` are the steps
that run on the database, `vault` holds the states and the plain keys. No HTTP, no provider, no
audit may come in: who changes the vault hands over what else belongs into the same transaction.
"""
