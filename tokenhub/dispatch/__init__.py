"""Carrying a request to a provider and its answer back.

`failover` walks the plan (`hedge` with two walks at once), `attempts` calls one provider, `relay`
is the one streaming loop. `letter` is what a provider is sent and `voice` how its answer reaches
the client, both the same bytes or a translation; `provenance` and `repair` see to it that thinking
goes back to its maker only, `concessions` repeats a call without what it was refused for.
Which provider it is, what it costs and who may ask is decided above; what a byte means is known
below, in `wire`.
"""
