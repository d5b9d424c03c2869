from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import router, transaction
from django.db.models import Q

from cloud_hoskie.accounts import create_user, find_by_name
from cloud_hoskie.models import HoskieUser
from cloud_hoskie.problems import NameRefused
from cloud_hoskie.service import parse_user_id


class Command(BaseCommand):
    help = "Links an account of this site to a user of the sign-in service. Creates the account if there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the user's id at the service; hoskie user list shows it")
        parser.add_argument("username", help="the account's name, which must be the user's name at the service")
        parser.add_argument("--force", action="store_true", help="remove earlier links of either")

    def handle(self, *args: Any, **options: Any) -> None:
        user_id, username = parse_user_id(options["id"]), options["username"]
        if user_id is None:
            raise CommandError(f"{options['id']} is not the id of a user.")
        with transaction.atomic(using=router.db_for_write(get_user_model())):
            account = find_by_name(username)
            if account is None:
                account = self._create(username)
            elif account.get_username() != username:
                raise CommandError(f"The account {account.get_username()} differs in case: rename it to {username}.")
            self._remove_other_links(user_id, account, options["force"])
            HoskieUser.objects.get_or_create(user=account, hoskie_id=user_id)
        self.stdout.write(f"Linked {username} to {user_id}.")

    def _create(self, username: str) -> Any:
        try:
            account = create_user(username)
        except NameRefused as error:
            raise CommandError(f"This site can't have an account named {username}.") from error
        self.stdout.write(f"Created the account {username}.")
        return account

    def _remove_other_links(self, user_id: int, account: Any, force: bool) -> None:
        links = HoskieUser.objects.filter(Q(hoskie_id=user_id) | Q(user=account))
        for link in links.exclude(hoskie_id=user_id, user=account).select_related("user"):
            name = link.user.get_username()
            if not force:
                raise CommandError(f"{name} is linked to {link.hoskie_id}. Add --force to remove that link.")
            link.delete()
            self.stdout.write(f"Removed the link of {name} to {link.hoskie_id}.")
