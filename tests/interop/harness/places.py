"""Where things lie."""

import os

INTEROP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(INTEROP))
SCRATCH = os.path.join(ROOT, "build", "interop")
CLIENTS = os.path.join(INTEROP, "clients")
PAGE = os.path.join(ROOT, "docs", "compatibility.md")
