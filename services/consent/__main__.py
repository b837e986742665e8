"""Run `consent`: `python -m services.consent`, settings from the environment."""

from services.consent.app import compose
from services.consent.settings import ConsentSettings
from services.runtime.app import serve

if __name__ == "__main__":
    settings = ConsentSettings()
    serve("consent", settings, lambda parts: compose(parts, settings))
