"""Fails when a file or a function has outgrown what one reader holds in mind.

A line `# size: <reason>` in the first five lines of a file, or on a function's `def` line, lifts
the limit there.
"""

import ast
import subprocess
import sys
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 50
TEST_FILE_LINES = 600


def problems(path: Path) -> list[str]:
    """Return one line for each limit that the file at `path` breaks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    limit = TEST_FILE_LINES if path.parts[0] == "tests" else FILE_LINES
    found = []
    if len(lines) > limit and not any("# size: " in line for line in lines[:5]):
        found.append(f"{path}: {len(lines)} lines, at most {limit}: split it by subject")
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.end_lineno is None:
            continue
        start = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
        length = node.end_lineno - (start or node.lineno) + 1
        if length > FUNCTION_LINES and "# size: " not in lines[node.lineno - 1]:
            place = f"{path}:{node.lineno}: {node.name}"
            found.append(f"{place} has {length} lines, at most {FUNCTION_LINES}")
    return found


def main() -> int:
    """Check every Python file that git knows; return the exit code."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = [
        p for name in listed.stdout.split() if Path(name).exists() for p in problems(Path(name))
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
