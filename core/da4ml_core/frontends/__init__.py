"""Readers of trained models, one file per source."""
