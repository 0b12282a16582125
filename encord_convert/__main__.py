"""``python -m encord_convert``."""

from encord_convert.cli import main

if __name__ == "__main__":
    main()
