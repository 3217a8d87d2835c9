"""Carrying a request to a provider and its answer back.

`attempts` calls the provider, `relay` is the one streaming loop. Which provider it is, what it
costs and who may ask is decided above; what a byte means is known below, in `wire`.
"""
