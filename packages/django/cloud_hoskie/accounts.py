"""The site's own account of a user of the service."""

from __future__ import annotations

import logging
from typing import Any, Optional

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, router, transaction

from cloud_hoskie.models import HoskieUser
from cloud_hoskie.problems import AccountConflict, AccountInactive, NameRefused
from cloud_hoskie.service import Identity

logger = logging.getLogger("cloud_hoskie")

ID_TAKEN = (
    "this site has an account for the id {id}, but its name isn't {name}. If it is the same person, renamed at the"
    " sign-in service, rename the account to {name}. If not, run the command below: it gives {name} an account of"
    " their own."
)
RENAMED = (
    "the account that is linked to the id {id} has another name. {name} was renamed at the sign-in service: rename the"
    " account to {name}, in the admin for example."
)
NAME_TAKEN = (
    "this site has an account {name}, but it isn't linked to the id {id}, which {name} has at the sign-in service. If"
    " it is the same person, run the command below. If not, rename the account."
)


def find_or_create_user(identity: Identity) -> AbstractBaseUser:
    """
    Returns the account that is linked to the user. The first visit links the account with the user's id and name (as
    after an import into the service), or creates one if no account has either.

    Raises `AccountConflict`, `AccountInactive` or `NameRefused`.
    """
    user = _find_linked(identity)
    if user is None:
        try:
            user = _link(identity)
        except IntegrityError:
            # Another request of this user was first.
            user = _find_linked(identity)
            if user is None:
                raise
    if user.get_username() != identity.username:
        raise _conflict(identity, user, RENAMED)
    if not user.is_active:
        raise AccountInactive(identity.username)
    return user


def create_user(username: str) -> Any:
    """Creates an account without a password. Raises `NameRefused`."""
    user_model: Any = get_user_model()
    user = user_model(**{user_model.USERNAME_FIELD: username})
    try:
        cleaned = user_model._meta.get_field(user_model.USERNAME_FIELD).clean(username, user)
    except ValidationError as error:
        raise NameRefused(username) from error
    if not username == cleaned == user_model.normalize_username(username):
        raise NameRefused(username)
    user.set_unusable_password()
    user.save()
    return user


def find_by_name(username: str) -> Optional[Any]:
    """The account of that name. The database may ignore case where the service doesn't: compare `get_username()`."""
    user_model: Any = get_user_model()
    return user_model._base_manager.filter(**{user_model.USERNAME_FIELD: username}).first()


def _find_linked(identity: Identity) -> Optional[Any]:
    # The default manager of a site may hide some.
    accounts = get_user_model()._base_manager.select_related("hoskie_user")
    return accounts.filter(hoskie_user__hoskie_id=identity.user_id).first()


def _link(identity: Identity) -> Any:
    user_model: Any = get_user_model()
    account = _find_unlinked(identity)
    with transaction.atomic(using=router.db_for_write(user_model)):
        user = create_user(identity.username) if account is None else account
        HoskieUser.objects.create(user=user, hoskie_id=identity.user_id)
    return user


def _find_unlinked(identity: Identity) -> Optional[Any]:
    """The account with both id and name. None: there is none with either. Raises `AccountConflict`."""
    user_model: Any = get_user_model()
    same_name = find_by_name(identity.username)
    same_id = None
    if isinstance(user_model._meta.pk, models.IntegerField):
        # A linked account has its primary key by chance: it isn't the service's id.
        same_id = user_model._base_manager.filter(pk=identity.user_id, hoskie_user=None).first()
    # Databases may ignore case where the service doesn't.
    if same_name == same_id and (same_name is None or same_name.get_username() == identity.username):
        return same_name
    if same_name is not None:
        raise _conflict(identity, same_name, NAME_TAKEN)
    raise _conflict(identity, same_id, ID_TAKEN)


def _conflict(identity: Identity, account: Any, what_to_do: str) -> AccountConflict:
    logger.warning(
        "Account conflict: user %d of the sign-in service is %r, the account with the primary key %s is %r",
        *identity,
        account.pk,
        account.get_username(),
    )
    paragraph = what_to_do.format(id=identity.user_id, name=identity.username)
    return AccountConflict(*identity, paragraph, can_be_linked=what_to_do is not RENAMED)
