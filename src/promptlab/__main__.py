"""`python -m promptlab`"""

from promptlab.cli.main import main

main()
