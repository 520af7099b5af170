"""A query's way to its hits: parsing, both legs, fusion, repair, highlights, reranking."""
