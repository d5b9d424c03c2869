"""Sign in to a Django site at Cloud Hoskie."""

__version__ = "0.1.0"
