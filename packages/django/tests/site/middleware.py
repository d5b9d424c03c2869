def greet_user(get_response):
    """A middleware that looks at the user before any view does."""

    def middleware(request):
        name = request.user.get_username()
        response = get_response(request)
        response["Greeting"] = name
        return response

    return middleware
