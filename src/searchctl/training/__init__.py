"""Training: from one's own texts to a better encoder, reranker or classifier. All of it takes the extra `train`."""
