"""searchctl: hybrid text search and few-shot routing, on a folder, OpenSearch or Elasticsearch."""
