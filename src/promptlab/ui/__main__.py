"""`streamlit`, as `promptlab ui` starts it: ending the workbench is exit code 0, and no word of an abort."""

import signal
import sys

from streamlit.web.cli import main

if __name__ == "__main__":
    # The server takes these signals over while it serves, shuts down in order, and then raises them again.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit(0))
    main(prog_name="streamlit")
