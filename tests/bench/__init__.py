"""What TokenHub adds to a request, measured beside a plain pass-through in one run.

`make bench` builds the load generator (`load.c`) and the instant upstream (`mock.c`), pins them
to one core and the proxy under test to another, takes direct, pass-through and TokenHub in turns,
and prints medians over the rounds with their ratios to the pass-through.
"""
