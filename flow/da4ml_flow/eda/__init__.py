"""Electronic design automation: finding and running tools, FuseSoC cores, and the reports that tools write."""
