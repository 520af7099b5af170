"""`python -m searchctl`."""

from searchctl.cli import main

main()
