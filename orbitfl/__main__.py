"""`python -m orbitfl`: the command line, where the script `orbitfl` is not on the path."""

from orbitfl.cli import main

if __name__ == "__main__":
    main()
