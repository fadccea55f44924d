"""The report: one HTML file that holds a whole run and works without a network.

Everything from outside travels as JSON and is put into the page as text, never as HTML. The page's own
policy lets no script run but the two it names by hash, and asks no other host for anything.
"""

from promptlab.export.report.page import write_report

__all__ = ["write_report"]
