"""The ``football`` command line. Reads the settings and hands them down."""
