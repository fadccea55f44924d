"""`streamlit run app.py`: the workbench. The app itself is promptlab.ui.app."""

import runpy

runpy.run_module("promptlab.ui.app", run_name="__main__")
