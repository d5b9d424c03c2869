from __future__ import annotations

from django.conf import settings
from django.db import models


class HoskieUser(models.Model):
    """Whose account is it? Links an account of the site to a user of the service, for good."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="hoskie_user"
    )
    hoskie_id = models.PositiveBigIntegerField(unique=True)
    """`users.id` of the service: it stays if the user is renamed there, and is never given to another one."""

    def __str__(self) -> str:
        return str(self.hoskie_id)
