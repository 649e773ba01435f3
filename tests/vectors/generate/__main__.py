"""`python -m tests.vectors.generate [topic ...]`: write the vector files."""

import sys

from tests.vectors.generate import TOPICS, write

for topic in sys.argv[1:] or TOPICS:
    print(f"{topic}: {write(topic)} cases")
