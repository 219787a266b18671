"""The commands of ``mogr``, a module each; ``proxy.__main__`` reads the arguments and imports only what is asked for."""
