"""One module a tool: how it is driven for a design, and what comes back."""
