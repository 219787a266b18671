"""The parent process: binds sockets, starts and restarts web workers and codec processes, owns the admin listener.

It touches no pixels: it never imports pyvips or obstore, so starting children from it stays safe.
"""
