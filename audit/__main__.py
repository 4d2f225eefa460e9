"""``python -m audit`` is ``jobaudit``."""

from audit.cli import main

if __name__ == "__main__":
    main()
