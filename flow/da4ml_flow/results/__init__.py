"""What builds measured: metrics, run records, the database made from them."""
