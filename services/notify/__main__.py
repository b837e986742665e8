"""`python -m services.notify`: run the service with settings from the environment."""

from services.notify.app import compose
from services.notify.settings import NotifySettings
from services.runtime.app import serve

if __name__ == "__main__":
    settings = NotifySettings()
    serve("notify", settings, lambda parts: compose(parts, settings))
