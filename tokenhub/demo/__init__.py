"""`tokenhub demo`: a whole hub with no account and no network.

Three simulated providers on loopback, a hub on a temporary home, a client key, and sample traffic
with incidents in it. Everything goes over the same HTTP as for real clients and administrators.
"""
