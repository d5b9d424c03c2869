from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import router, transaction

from cloud_hoskie.accounts import create_user
from cloud_hoskie.models import HoskieUser
from cloud_hoskie.service import parse_user_id


class Command(BaseCommand):
    help = (
        "Links an account of this site to a user of the sign-in service. Creates the account if there is none of that"
        " name. Earlier links of either are removed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the user's id at the service; hoskie user list shows it")
        parser.add_argument("username", help="the account's name, which must be the user's name at the service")

    def handle(self, *args: Any, **options: Any) -> None:
        user_id, username = parse_user_id(options["id"]), options["username"]
        if user_id is None:
            raise CommandError(f"{options['id']} is not the id of a user.")
        user_model: Any = get_user_model()
        with transaction.atomic(using=router.db_for_write(user_model)):
            account = user_model._default_manager.filter(**{user_model.USERNAME_FIELD: username}).first()
            if account is None:
                account = create_user(username)
                self.stdout.write(f"Created the account {username}.")
            before = HoskieUser.objects.filter(hoskie_id=user_id).exclude(user=account)
            for link in before.select_related("user"):
                self.stdout.write(f"Removed the link of {link.user.get_username()} to {user_id}.")
            before.delete()
            HoskieUser.objects.update_or_create(user=account, defaults={"hoskie_id": user_id})
        self.stdout.write(f"Linked {username} to {user_id}.")
