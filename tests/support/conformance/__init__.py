"""Which client works with which provider: the cells of the matrix, and what judges them.

    asks.py       what a request asks, in no protocol
    writing.py    a client's body for it
    hearing.py    what a provider's side reads in the body that came
    sayings.py    what an answer says, read by the official SDKs
    losses.py     what an answer cannot keep from one protocol to another
    features.py   what a row is, and the outcome of each cell
    rows.py       the rows about what is said
    faults.py     the rows about what goes wrong, or cannot be said
    tokens.py     what the answers count, and what that costs
    stage.py      one hub in front of the simulators, and a tap on each wire between them
    table.py      the table for people; `python -m tests.support.conformance` prints it,
                  with `--write` it goes into the README

None of the product's readers and writers may come in: they are what is judged.
"""
