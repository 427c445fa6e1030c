"""Campaigns: many builds of one configuration, searched, run anywhere, resumed, and drawn."""
