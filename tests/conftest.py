"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# Machines are shared and slow at times: how long an example takes says nothing of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
