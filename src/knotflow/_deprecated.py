"""Old ways of calling that keep working for one release, with a DeprecationWarning that names the new one."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["keyword_only", "renamed", "warn"]

F = TypeVar("F", bound=Callable[..., Any])


def warn(old: str, new: str, stacklevel: int = 3) -> None:
    """The one sentence: what is deprecated, and what takes its place. By default it points at the caller's caller."""
    warnings.warn(f"{old} is deprecated: use {new}", DeprecationWarning, stacklevel=stacklevel)


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
            warn(f"giving {function.__name__} its {', '.join(given)} by position", f"keywords: {new}")
            return function(*args[:places], **given, **options)

        return cast("F", call)

    return decorate


def renamed(**names: str) -> Callable[[F], F]:
    """Decorator: keywords that have new names, as ``old="new"``, still work under the old one, with a warning."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            for old, new in names.items():
                if old in options:
                    warn(f"the keyword {old} of {function.__name__}", new)
                    options[new] = options.pop(old)
            return function(*args, **options)

        return cast("F", call)

    return decorate
