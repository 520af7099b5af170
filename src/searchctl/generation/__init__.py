"""Data sets that a language model writes: what is asked, what is paid, what is kept of the answers.

`tasks.py` and its neighbours make requests of documents and texts, `asking.py` has them answered, each paid once (`journal.py`),
and `sifting.py` leaves out what is no use.
"""
