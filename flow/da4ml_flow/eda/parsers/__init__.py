"""Pure functions from the text of a report to figures: what is not there is absent, what is malformed raises."""
