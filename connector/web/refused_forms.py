"""Views of forms that show their page again if a field is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..errors import InvalidInputError


def shows_again(page: Callable[[InvalidInputError], str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator for a view. If the view raises InvalidInputError, the response is this page with status 422.

    The page shows the error, and the form keeps what was chosen.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def decorated(**arguments: Any) -> Any:
            try:
                return view(**arguments)
            except InvalidInputError as error:
                return page(error), 422

        return decorated

    return decorate
