"""`python -m skinfw` is the command `skinfw`; torchrun starts it this way."""

from skinfw.cli import main

if __name__ == "__main__":
    main(prog_name="skinfw")
