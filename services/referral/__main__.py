"""`python -m services.referral`: run the service with settings from the environment."""

from services.referral.app import compose
from services.referral.settings import ReferralSettings
from services.runtime.app import serve

if __name__ == "__main__":
    settings = ReferralSettings()
    serve("referral", settings, lambda parts: compose(parts, settings))
