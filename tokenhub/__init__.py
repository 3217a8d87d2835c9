"""TokenHub: one local process between programs and LLM providers.

The road of a request, from a client's bytes to the provider's and back:

1. `api` listens, checks who may call at all (`perimeter`), and reads a body once (`wire.body`).
2. `gateway.serve` is the road; every endpoint takes it and no other:
   `admission` says whose key it is, what the key may do, and how often;
   `wire.request` reads what the request needs;
   `routing` ranks the deployments of the immutable registry snapshot that can take it, by which
   of their provider's APIs, or says why none can;
   `ledger` estimates and reserves;
   `dispatch.failover` walks that plan; `dispatch.attempts` calls a provider through `providers`
   with a `letter`: the client's own bytes, spliced, or their translation (`wire.translation`);
   `dispatch.relay` forwards a stream event for event, as its `voice` says it in the client's
   protocol, and reads its usage beside it;
   in a `finally` the `ledger` settles and `observe` records the one `Outcome`.
3. `storage` commits settlements and log rows in groups, beside the answer.

`administration` changes what the road reads (providers, models, keys, vault), each change with its
audit row in one transaction; `api.admin` is its HTTP side, `client` and `ctl` its users. `hub`
builds all parts; `simulator` and `demo` play providers and traffic. Imports go down only.
"""

__version__ = "0.1.0"
