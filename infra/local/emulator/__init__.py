"""The project's overlay of ministack, the AWS emulator of the local runner and the tests.

Start it from the parent folder with `python -m emulator` and ministack's own environment variables. Each module here
is one thing that ministack 1.5.33 lacks and the template or the functions need; `__main__` wires them. Where ministack
does a thing already, nothing is here. It patches private functions, so it refuses to start on any other version.
"""
