"""Search apps of others become hybrid unchanged: their requests are read, asked in both legs, and answered in their own shape."""
