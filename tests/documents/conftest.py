"""Generated tests are never judged by the speed of the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("documents", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("documents")
