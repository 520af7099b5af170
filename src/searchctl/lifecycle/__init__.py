"""What is done to whole indexes: new encoders, versions, dumps, vectors for what has none, check-ups."""
