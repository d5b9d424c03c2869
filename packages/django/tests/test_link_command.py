from io import StringIO

from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db.models import CharField
from django.db.models.lookups import IExact
from django.test.utils import register_lookup

from cloud_hoskie.models import HoskieUser
from tests.support.case import HoskieTestCase


class LinkCommandTest(HoskieTestCase):
    def link(self, *args):
        output = StringIO()
        call_command("hoskie_link", *args, stdout=output)
        return output.getvalue()

    def assert_signed_in(self, user_id, username, pk=None):
        self.sign_in(user_id, username)
        response = self.client.get("/private/")
        self.assertEqual(response.json()["username"], username)
        if pk is not None:
            self.assertEqual(response.json()["pk"], pk)

    def test_it_settles_a_name_with_another_id(self):
        self.make_account(9, "alice")
        self.assertEqual(self.link("7", "alice"), "Linked alice to 7.\n")
        self.assert_signed_in(7, "alice", 9)

    def test_it_settles_an_id_with_the_name_of_somebody_else(self):
        self.make_account(7, "bob")
        self.assertEqual(self.link("7", "alice"), "Created the account alice.\nLinked alice to 7.\n")
        self.assert_signed_in(7, "alice")
        self.assertEqual(get_user_model().objects.get(pk=7).username, "bob")

    def test_it_moves_a_link_only_if_forced(self):
        self.make_account(8, "bob", linked_to=7)
        self.make_account(9, "alice", linked_to=42)
        for args in (("7", "alice"), ("7", "carol"), ("8", "alice")):
            with self.subTest(args), self.assertRaisesMessage(CommandError, "Add --force"):
                self.link(*args)
        self.assertEqual(get_user_model().objects.count(), 2)
        output = self.link("7", "alice", "--force")
        self.assertIn("Removed the link of bob to 7.", output)
        self.assertIn("Removed the link of alice to 42.", output)
        self.assertEqual(list(HoskieUser.objects.values_list("user_id", "hoskie_id")), [(9, 7)])

    def test_it_may_be_repeated(self):
        self.link("7", "alice")
        self.link("7", "alice")
        self.assertEqual(HoskieUser.objects.get().user.username, "alice")

    def test_what_is_no_id_changes_nothing(self):
        for text in ("alice", "-1", "0", "9" * 30, "٧"):
            with self.subTest(text), self.assertRaises(CommandError):
                call_command("hoskie_link", "--", text, "alice")
        self.assertEqual(get_user_model().objects.count(), 0)

    def test_a_database_that_ignores_case_does_not_make_it_take_another_account(self):
        self.make_account(9, "Alice")
        with register_lookup(CharField, IExact, lookup_name="exact"):
            with self.assertRaisesMessage(CommandError, "Alice differs in case: rename it to alice."):
                self.link("7", "alice")
        self.assertEqual(HoskieUser.objects.count(), 0)

    def test_a_name_that_the_site_cannot_hold(self):
        with self.assertRaisesMessage(CommandError, "can't have an account named a b"):
            self.link("7", "a b")
