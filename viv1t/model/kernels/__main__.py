"""`python -m viv1t.model.kernels`: compile the optional kernels for this processor."""

import sys

from viv1t.errors import UserError
from viv1t.model.kernels.build import build

if __name__ == "__main__":
    try:
        sys.stdout.write(f"compiled kernels: {build()}\n")
    except (UserError, OSError) as error:
        sys.stdout.write(f"no compiled kernels: {error}\n")
