"""A search page for colleagues: streamlit run streamlit_app.py."""

from __future__ import annotations

import os

import streamlit as st

from searchctl import Index


@st.cache_resource
def index() -> Index:
    """Return the index, opened once for all sessions."""
    return Index.open(os.environ.get("SEARCHCTL_ENGINE", ".searchctl"), create=False)


st.title("Search")
question = st.text_input("Question", placeholder="how do I return an item")
if question:
    results = index().search(question)
    if not results.answered:
        st.warning("None of these is likely to answer.")
    for hit in results.hits:
        st.subheader(hit.title or hit.id)
        st.progress(hit.relevance, text="how likely it answers")
        if hit.passage:
            st.write(hit.passage.text)
