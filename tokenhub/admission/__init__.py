"""May this request run at all: whose key it is, what the key may do, how often.

Everything is answered from memory on the loop's thread: no socket, no file and no wait comes in
here, and neither does what a request costs (`ledger`) or which model takes it (`routing`).
"""
