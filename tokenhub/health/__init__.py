"""How each provider, endpoint and model is doing, told by real requests and by probes.

`monitor` is what the road and the admin API use; `record`, `breaker`, `cooldown`, `latency` and
`network` are its parts, pure but for the clocks they are given; `prober` is the only file that
calls providers. Nothing here decides where a request goes: `routing` does, with what it is told.
"""
