"""`python -m rehearsal`."""

import sys

from rehearsal.commands.cli import main

sys.exit(main())
