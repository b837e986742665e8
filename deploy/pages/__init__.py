"""The contracts and the guides as pages to browse: static HTML without scripts, made by `make docs`."""
