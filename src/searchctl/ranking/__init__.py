"""Scores: BM25, fusion of the legs, what cosines of unrelated texts look like, relevance. Needs numpy only."""
