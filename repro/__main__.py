"""`python -m repro`: the command without its script."""

from __future__ import annotations

import sys

from repro.cli.entry import main

sys.exit(main())
