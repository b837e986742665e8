"""`python -m services.audit`: run the service with settings from the environment."""

from services.audit.app import compose
from services.audit.settings import AuditSettings
from services.runtime.app import serve

if __name__ == "__main__":
    settings = AuditSettings()
    serve("audit", settings, lambda parts: compose(parts, settings))
