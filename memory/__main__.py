"""`python -m agentcore.memory` compiles what searches need ahead of time, as when an image is built that will be read-only."""

from agentcore.memory._compiled import prepare_kernels
from agentcore.memory._progress import terminal_bar

if __name__ == "__main__":
    prepare_kernels(terminal_bar())
