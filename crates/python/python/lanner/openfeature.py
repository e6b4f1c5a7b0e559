"""OpenFeature's provider, in process: flags are evaluated here, without a request.

    from lanner import Switches
    from lanner.openfeature import LannerProvider
    from openfeature import api

    api.set_provider(LannerProvider(Switches.connect("http://127.0.0.1:9797")))

Every switch is a boolean flag that is true while it blocks, or gives values of its own; `blocked` is all of them.
"""

import datetime
from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar, Union

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, GeneralError, InvalidContextError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.provider import AbstractProvider
from openfeature.provider.metadata import Metadata

from . import Switches

T = TypeVar("T")


class LannerProvider(AbstractProvider):
    """Evaluates the flags of `switches`."""

    def __init__(self, switches: Switches) -> None:
        super().__init__()
        self._switches = switches

    def get_metadata(self) -> Metadata:
        return Metadata(name="lanner")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Raises GeneralError where no switches are known yet."""
        status = self._switches.status()
        if status["source"] == "nothing":
            raise GeneralError(f"no kill switches are known yet: {status['problem']}")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: Optional[EvaluationContext] = None
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, evaluation_context, lambda value: isinstance(value, bool))

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: Optional[EvaluationContext] = None
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, evaluation_context, lambda value: isinstance(value, str))

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: Optional[EvaluationContext] = None
    ) -> FlagResolutionDetails[int]:
        # To Python, `True` is an integer.
        return self._resolve(flag_key, default_value, evaluation_context, lambda value: type(value) is int)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: Optional[EvaluationContext] = None
    ) -> FlagResolutionDetails[float]:
        return self._resolve(flag_key, default_value, evaluation_context, lambda value: type(value) in (int, float), float)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Union[Sequence[Any], Mapping[str, Any]],
        evaluation_context: Optional[EvaluationContext] = None,
    ) -> FlagResolutionDetails[Union[Sequence[Any], Mapping[str, Any]]]:
        return self._resolve(flag_key, default_value, evaluation_context, lambda value: isinstance(value, (list, dict)))

    def _resolve(
        self,
        key: str,
        default: T,
        context: Optional[EvaluationContext],
        is_one: Callable[[Any], bool],
        convert: Callable[[Any], Any] = lambda value: value,
    ) -> FlagResolutionDetails[T]:
        try:
            flag = self._switches.flag(key, _fields(context))
        except KeyError as error:
            raise FlagNotFoundError(str(error.args[0])) from error
        except TypeError as error:
            raise InvalidContextError(str(error)) from error
        if "value" not in flag:
            return FlagResolutionDetails(default, reason=flag["reason"], flag_metadata=flag["metadata"])
        if not is_one(flag["value"]):
            raise TypeMismatchError(f'the flag "{key}" has a value of another kind')
        return FlagResolutionDetails(
            convert(flag["value"]), variant=flag["variant"], reason=flag["reason"], flag_metadata=flag["metadata"]
        )


def _fields(context: Optional[EvaluationContext]) -> dict[str, Any]:
    """The context as the switches' conditions see it."""
    if context is None:
        return {}
    fields = {name: _plain(value) for name, value in context.attributes.items()}
    if context.targeting_key is not None:
        fields["targetingKey"] = context.targeting_key
    return fields


def _plain(value: Any) -> Any:
    """Times as text, as OpenFeature's remote providers send them."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
