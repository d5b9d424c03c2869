from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient

from tests.support.case import HoskieTestCase


class AsyncTest(HoskieTestCase):
    async def test_an_asynchronous_view_awaits_the_user(self):
        client = AsyncClient()
        self.assertEqual((await client.get("/async/")).content, b"signed out")
        self.sign_in(7, "alice", client)
        self.assertEqual((await client.get("/async/")).content, b"alice")

    async def test_other_views_work_too(self):
        client = AsyncClient()
        self.sign_in(7, "alice", client)
        self.assertEqual((await client.get("/private/")).json()["hoskie_id"], 7)
        self.assertEqual((await client.get("/admin/login/")).status_code, 403)

    async def test_an_asynchronous_view_that_does_not_await_gets_djangos_usual_error(self):
        client = AsyncClient()
        self.sign_in(7, "alice", client)
        with self.assertRaises(SynchronousOnlyOperation):
            await client.get("/async-without-await/")
        self.assertEqual(self.service.requests, [])
