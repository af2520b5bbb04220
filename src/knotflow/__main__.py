"""`python -m knotflow` is the command `knotflow`."""

from __future__ import annotations

import sys

from knotflow.cli import main

sys.exit(main())
