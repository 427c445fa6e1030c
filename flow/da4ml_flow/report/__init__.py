"""What people read about runs: tables."""
