"""A trained network as one HTML file, which answers in a browser without any request."""
