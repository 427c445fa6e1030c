"""Regression checks: a build against the reviewed figures of a baseline."""
