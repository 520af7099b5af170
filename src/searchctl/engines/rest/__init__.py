"""What OpenSearch and Elasticsearch have in common, spoken over HTTP; `opensearch.py` and `elasticsearch.py` hold what differs."""
