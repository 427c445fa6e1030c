"""Passes: each one a module that turns a program into another, or computes a schedule from it."""
