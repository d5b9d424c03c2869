"""
A small Django site behind Cloud Hoskie, for the tests. From packages/django:

    export HOSKIE_URL=http://localhost:8787 HOSKIE_SITE_URL=http://localhost:8000 DATABASE=/tmp/site.sqlite3
    python3 -m django migrate --settings tests.site.settings
    gunicorn tests.site.wsgi --bind 127.0.0.1:8000
"""

import os
import tempfile
from pathlib import Path

HOSKIE_URL = os.environ.get("HOSKIE_URL", "http://localhost:8787")
HOSKIE_MODE = os.environ.get("HOSKIE_MODE", "ask")
HOSKIE_SITE_URL = os.environ.get("HOSKIE_SITE_URL", "http://testserver")
HOSKIE_COOKIE_NAME = os.environ.get("HOSKIE_COOKIE_NAME", "sessionid")

# Another port of the same host shares its cookies.
SESSION_COOKIE_NAME = "site_sessionid"
CSRF_COOKIE_NAME = "site_csrftoken"

SECRET_KEY = "of a test site"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver", "app.example.org"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ROOT_URLCONF = "tests.site.urls"
WSGI_APPLICATION = "tests.site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "/static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "cloud_hoskie",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "cloud_hoskie.middleware.HoskieMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", ":memory:"),
        # A file, as two requests of one test write at the same time.
        "TEST": {"NAME": Path(tempfile.gettempdir()) / f"django-cloud-hoskie-{os.getpid()}.sqlite3"},
    }
}
