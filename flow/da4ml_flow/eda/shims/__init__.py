"""Launchers with the command line of a native tool over what a wheel carries: run as scripts, never imported."""
