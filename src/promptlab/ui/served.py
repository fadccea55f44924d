"""The workbench as Streamlit serves it: its script, behind its guard. The project's app.py is a copy."""

from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

import promptlab.ui
from promptlab.ui.guard import Guard

app = App(Path(promptlab.ui.__file__).with_name("app.py"), middleware=[Middleware(Guard)])
