"""Real OpenSearch and Elasticsearch nodes for the tests, put together from what is published on Maven Central.

By hand, from the repository's root:

    python -m tests.servers opensearch                       a node on a free port, until Ctrl-C
    python -m tests.servers elasticsearch-9 --port 9200
    python -m tests.servers elasticsearch-8 --secured        TLS and a password
    python -m tests.servers assemble all                     fill the cache only (for CI)

They need Maven, and a JDK of the right version (`java.py` finds it). What was assembled stays in SEARCHCTL_TEST_CACHE, or else
in the user's cache folder (/var/cache for root).
"""
