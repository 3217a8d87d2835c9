"""How each provider is doing, told by what happens to real requests.

Passive only: nothing here calls a provider, and nothing here decides where a request goes.
"""
