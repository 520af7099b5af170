"""Looking into a collection: what it's about, what stands in it twice, and which sentence answers a question."""
