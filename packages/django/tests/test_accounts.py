import threading
from unittest import mock

from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection
from django.db.models import CharField
from django.db.models.lookups import IExact
from django.db.models.signals import pre_save
from django.test import TransactionTestCase
from django.test.utils import register_lookup

from cloud_hoskie.accounts import find_or_create_user
from cloud_hoskie.models import HoskieUser
from cloud_hoskie.service import Identity
from tests.support.case import HoskieTestCase

CONFLICT = "Your account can't be matched"


class AccountTest(HoskieTestCase):
    def visit(self, user_id, username):
        self.sign_in(user_id, username)
        return self.client.get("/private/")

    def assert_conflict(self, response, command):
        self.assert_refused(response, 403, CONFLICT)
        self.assertIn(command, response.content.decode())
        self.assertNotIn("Location", response)

    def test_the_first_visit_makes_an_account_and_the_next_one_finds_it(self):
        first = self.visit(7, "alice").json()
        self.assertEqual(self.client.get("/private/").json(), first)
        account = get_user_model().objects.get()
        self.assertEqual((account.username, account.hoskie_user.hoskie_id), ("alice", 7))
        self.assertFalse(account.has_usable_password())
        self.assertFalse(account.is_staff or account.is_superuser)

    def test_an_imported_account_has_the_id_and_the_name_and_is_linked(self):
        self.make_account(7, "alice", email="alice@example.org")
        self.assertEqual(self.visit(7, "alice").json(), {"username": "alice", "pk": 7, "hoskie_id": 7})
        self.assertEqual(get_user_model().objects.get().email, "alice@example.org")

    def test_ids_of_accounts_made_here_are_none_of_the_services(self):
        self.visit(90, "zoe")
        account = get_user_model().objects.get()
        self.assertNotEqual(account.pk, 90)
        self.assertEqual(self.visit(account.pk, "alice").json()["username"], "alice")

    def test_the_id_with_another_name_is_a_conflict(self):
        self.make_account(7, "bob")
        with self.assertLogs("cloud_hoskie") as logs:
            response = self.visit(7, "alice")
        self.assert_conflict(response, "hoskie_link 7 alice")
        self.assertNotContains(response, "bob", status_code=403)
        self.assertIn("bob", logs.output[0])
        self.assertEqual(get_user_model().objects.count(), 1)

    def test_the_name_with_another_id_is_a_conflict(self):
        for linked_to in (None, 42):
            with self.subTest(linked_to), self.assertLogs("cloud_hoskie"):
                get_user_model().objects.all().delete()
                self.make_account(9, "alice", linked_to)
                self.assert_conflict(self.visit(7, "alice"), "hoskie_link 7 alice")

    def test_a_user_renamed_at_the_service_is_a_conflict_until_renamed_here(self):
        self.visit(7, "alice")
        with self.assertLogs("cloud_hoskie"):
            response = self.visit(7, "alicia")
        self.assert_refused(response, 403, "rename the account to alicia")
        self.assertNotContains(response, "hoskie_link", status_code=403)
        get_user_model().objects.update(username="alicia")
        self.assertEqual(self.client.get("/private/").json()["username"], "alicia")
        self.assertEqual(get_user_model().objects.count(), 1)

    def test_a_name_in_other_case_is_another_name(self):
        self.make_account(7, "Alice")
        with self.assertLogs("cloud_hoskie"):
            self.assert_conflict(self.visit(7, "alice"), "hoskie_link 7 alice")

    def test_a_database_that_ignores_case_gives_nobody_the_account_of_another(self):
        self.make_account(7, "Alice")
        with register_lookup(CharField, IExact, lookup_name="exact"), self.assertLogs("cloud_hoskie"):
            self.assert_conflict(self.visit(7, "alice"), "hoskie_link 7 alice")

    def test_a_name_that_the_site_cannot_hold_gets_no_account(self):
        for user_id, name in enumerate(("a b", "Ⅳ", "x" * 151), start=1):
            with self.subTest(name):
                self.assert_refused(self.visit(user_id, name), 403, "This site can't have an account of that name")
        self.assertEqual(get_user_model().objects.count(), 0)

    def test_an_account_that_the_sites_own_manager_hides_is_found(self):
        self.visit(7, "alice")
        hidden = mock.patch.object(get_user_model()._default_manager, "get_queryset", side_effect=AssertionError)
        with hidden:
            self.assertEqual(self.client.get("/private/").json()["username"], "alice")

    def test_a_name_cannot_write_the_page_or_the_command(self):
        self.make_account(7, "bob")
        with self.assertLogs("cloud_hoskie"):
            response = self.visit(7, "<b>x</b>; reboot")
        self.assertNotContains(response, "<b>", status_code=403)
        self.assertIn("hoskie_link 7 &#x27;&lt;b&gt;", response.content.decode())

    def test_a_conflict_closes_every_page_that_looks_at_the_user_and_no_other(self):
        self.make_account(9, "alice")
        self.sign_in(7, "alice")
        for path in ("/private/", "/template/", "/accounts/login/", "/admin/", "/admin/login/", "/form/"):
            with self.subTest(path), self.assertLogs("cloud_hoskie"):
                self.assert_refused(self.client.get(path), 403, CONFLICT)
        self.assertEqual(self.client.get("/").status_code, 200)

    def test_a_conflict_is_said_in_json_too(self):
        self.make_account(9, "alice")
        self.sign_in(7, "alice")
        with self.assertLogs("cloud_hoskie"):
            response = self.client.get("/private/", HTTP_ACCEPT="application/json")
        self.assertEqual((response.status_code, response.json()["code"]), (403, "account_conflict"))

    def test_an_account_that_is_disabled_here_is_refused(self):
        self.make_account(7, "alice", is_active=False)
        self.assert_refused(self.visit(7, "alice"), 403, "Your account is disabled on this site")

    def test_a_constraint_of_the_site_that_an_account_breaks_is_reported(self):
        self.sign_in(7, "alice")
        with mock.patch.object(HoskieUser.objects, "create", side_effect=IntegrityError("email")):
            with self.assertRaisesMessage(IntegrityError, "email"):
                self.client.get("/private/")
        self.assertEqual(get_user_model().objects.count(), 0)


class FirstVisitsAtTheSameTimeTest(TransactionTestCase):
    def test_they_make_one_account(self):
        alice = Identity(7, "alice")

        def first():
            find_or_create_user(alice)
            connection.close()

        def overtake(**kwargs):
            pre_save.disconnect(overtake, sender=get_user_model())
            thread = threading.Thread(target=first)
            thread.start()
            thread.join()

        # Just before the second one writes, when it has seen that there is no account.
        pre_save.connect(overtake, sender=get_user_model(), weak=False)
        second = find_or_create_user(alice)
        self.assertEqual(second, get_user_model().objects.get())
        self.assertEqual(second.hoskie_user.hoskie_id, 7)
