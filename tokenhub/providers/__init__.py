"""What is known about providers and how they are called.

`spec` and `presets` turn what an administrator wrote into `types.Provider` and `types.Deployment`,
`registry` is the immutable snapshot of them that requests read. `adapters` know each family's URLs
and headers, `keys` where a provider's key comes from, `endpoints` which of several URLs is next.
`upstream` is the narrow seam to the network, `direct` what stands behind it: an HTTP/1.1 client
made of `target` (a request's bytes), `connection`, `answer` and `pool`; calls that need a proxy go
through aiohttp's client in `http`. `bodies`, `inflate` and `tls` serve both. `failure` is the one
place that says whose fault a failed call was. `discovery` and `catalogue` ask what models there are
and what they cost.

Not in here: which model is chosen, whether a request may run, what is stored, and the meaning of
request and response bodies (`wire`).
"""
