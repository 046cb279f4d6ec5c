"""The version, as the distribution's metadata has it."""

from typing import Final

__version__: Final = "0.1.0"
