"""Text as it is: words, sentences, passages, cleaning. Pure functions."""
