from django.contrib.auth import get_user_model

from tests.support.case import HoskieTestCase
from tests.support.service import SITE


class AdminTest(HoskieTestCase):
    def test_a_visitor_is_led_to_the_sign_in_page_and_back_to_the_page_of_the_admin(self):
        for path in ("/admin/", "/admin/auth/user/?q=a%26b"):
            with self.subTest(path):
                self.assert_leads_to(self.follow(path), "/accounts/login/", SITE + path)
        self.assert_leads_to(self.client.get("/admin/login/"), "/accounts/login/", f"{SITE}/admin/")

    def test_a_form_of_before_the_move_leads_there_too(self):
        response = self.client.post("/admin/login/", {"username": "a", "password": "b", "next": "/admin/auth/user/"})
        self.assert_leads_to(response, "/accounts/login/", f"{SITE}/admin/auth/user/")

    def test_staff_may_enter(self):
        self.make_account(7, "alice", is_staff=True, is_superuser=True)
        self.sign_in(7, "alice")
        self.assertContains(self.client.get("/admin/"), "Site administration")
        self.assertEqual(self.client.get("/admin/auth/user/7/change/").status_code, 200)

    def test_staff_who_open_its_sign_in_page_are_led_on(self):
        self.make_account(7, "alice", is_staff=True)
        self.sign_in(7, "alice")
        self.assertEqual(self.client.get("/admin/login/")["Location"], "/admin/")
        self.assertEqual(self.client.get("/admin/login/?next=/admin/auth/")["Location"], "/admin/auth/")
        self.assertEqual(self.client.get("/admin/login/?next=//evil.example/")["Location"], "/admin/")

    def test_others_who_are_signed_in_see_a_page_and_no_loop(self):
        self.sign_in(7, "alice")
        for path in ("/admin/", "/admin/login/", "/admin/auth/user/"):
            with self.subTest(path):
                response = self.follow(path)
                self.assert_refused(response, 403, "You are signed in, but have no access")
                self.assertContains(response, f"{self.service.url}/logout/", status_code=403)
        self.assertFalse(get_user_model().objects.get().is_staff)

    def test_sign_out_and_password_lead_to_the_service(self):
        self.make_account(7, "alice", is_staff=True)
        self.sign_in(7, "alice")
        for method in (self.client.get, self.client.post):
            self.assert_leads_to(method("/admin/logout/"), "/logout/", f"{SITE}/")
        response = self.client.get("/admin/password_change/")
        self.assertEqual(response["Location"], f"{self.service.url}/account/password/")

    def test_an_admin_of_the_sites_own_decides_who_may_enter(self):
        self.make_account(7, "alice", is_staff=True)
        self.sign_in(7, "alice")
        self.assert_refused(self.follow("/back-office/"), 403, "You are signed in, but have no access")
        self.assert_refused(self.client.get("/back-office/login/"), 403, "You are signed in, but have no access")
        get_user_model().objects.update(is_superuser=True)
        self.assertEqual(self.client.get("/back-office/login/")["Location"], "/back-office/")
        self.assertContains(self.client.get("/back-office/"), "Site administration")
