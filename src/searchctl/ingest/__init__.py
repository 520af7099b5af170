"""A document's way to disk: recipes, preparation, loading, the journal and dead letters."""
