"""`python -m vectors.generate [topic ...]`, with `tests` on the path: write the vector files."""

import sys

from vectors.generate import TOPICS, write

for topic in sys.argv[1:] or TOPICS:
    print(f"{topic}: {write(topic)} cases")
