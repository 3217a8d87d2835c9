"""Print the matrix as Markdown, or put it into the README.

`python -m tests.support.conformance [--write]`
"""

import sys

from tests.support.conformance.table import markdown, write_readme

if "--write" in sys.argv:
    write_readme()
else:
    sys.stdout.write(markdown())
