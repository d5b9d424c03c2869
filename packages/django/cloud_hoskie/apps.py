from django.apps import AppConfig
from django.core import checks

from cloud_hoskie.checks import check_middleware, check_settings


class CloudHoskieConfig(AppConfig):
    name = "cloud_hoskie"
    verbose_name = "Cloud Hoskie"

    def ready(self) -> None:
        checks.register(check_settings, checks.Tags.security)
        checks.register(check_middleware, checks.Tags.security)
