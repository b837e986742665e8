"""`python -m services.directory`: run the service with settings from the environment."""

from services.directory.app import compose
from services.directory.settings import DirectorySettings
from services.runtime.app import serve

if __name__ == "__main__":
    settings = DirectorySettings()  # required ones come from the environment
    serve("directory", settings, lambda parts: compose(parts, settings))
