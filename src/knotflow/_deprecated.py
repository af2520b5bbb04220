"""Old ways of calling that keep working for one release, with a DeprecationWarning that names the new one."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["keyword_only"]

F = TypeVar("F", bound=Callable[..., Any])


def keyword_only(*names: str) -> Callable[[F], F]:
    """Decorator: these keyword-only parameters may still be given by position, in this order, with a warning."""

    def decorate(function: F) -> F:
        kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
        places = kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)

        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            extra = args[places:]
            if not 0 < len(extra) <= len(names):
                return function(*args, **options)
            given = dict(zip(names, extra, strict=False))
            new = ", ".join(f"{name}=..." for name in given)
            warnings.warn(f"{function.__name__} takes {new} by keyword", DeprecationWarning, stacklevel=2)
            return function(*args[:places], **given, **options)

        return cast(F, call)

    return decorate
