"""The requests that are worth asking of a bundle, or of two bundles side by side."""

from policyloop.access.universe.enumerate import MOST_REQUESTS, Universe, this_minute

__all__ = ["MOST_REQUESTS", "Universe", "this_minute"]
