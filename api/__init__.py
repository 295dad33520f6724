"""Every way in: HTTP, command line and web page. Holds no logic."""
