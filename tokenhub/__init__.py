"""TokenHub: one local process between programs and LLM providers.

The road of a request, from a client's bytes to the provider's and back:

1. `api` listens, checks who may call at all (`perimeter`), and reads a body once (`wire.body`).
2. `gateway.serve` is the road; every endpoint takes it and no other:
   `admission` says whose key it is, what the key may do, and how often;
   `wire.request` reads what the request needs;
   `routing` picks a deployment from the immutable registry snapshot, or says why none can take it;
   `ledger` estimates and reserves;
   `dispatch.attempts` calls the provider through `providers` with the client's own bytes, spliced;
   `dispatch.relay` forwards a stream event for event and reads its usage beside it;
   in a `finally` the `ledger` settles and `observe` records the one `Outcome`.
3. `storage` commits settlements and log rows in groups, beside the answer.

`administration` changes what the road reads (providers, models, keys, vault), each change with its
audit row in one transaction; `api.admin` is its HTTP side, `client` and `ctl` its users. `hub`
builds all parts; `simulator` and `demo` play providers and traffic. Imports go down only.
"""

__version__ = "0.1.0"
