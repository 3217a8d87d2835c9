"""The simulated model: what it reads, thinks and says, and what of a prompt is cached.

Pure but for the cache's memory; nothing of HTTP may come in.
"""
