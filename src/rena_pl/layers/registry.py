"""What a layer type is, and the registry in which each one is found by its name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isabstract
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rena_pl.architecture import ArchitectureError, Layer, Shape, Value
from rena_pl.errors import RenaError

if TYPE_CHECKING:
    from torch import nn

LARGEST = 1_000_000
"""Of every hyper-parameter that is a number."""
ENTRY_POINT_GROUP = "rena_pl.layers"
BUILT_IN_MODULES = (
    "convolution",
    "residual",
    "broadcast",
    "pooling",
    "recurrent",
    "attention",
    "dense",
    "merge",
)
IN, IN2, OUT = "in", "in2", "out"
"""The channels that every layer type has: of its first input, its second one and its output."""


def choice(*values: Any) -> Any:
    """A hyper-parameter and the values a search space offers for it by default.

    The first value is the default. A number may lie outside the choices in an architecture file,
    as long as it is positive and at most `LARGEST`; text and truth values are a closed set.
    """
    return field(default=values[0], metadata={"choices": values})


@dataclass(frozen=True)
class LayerType(ABC):
    """A kind of layer; an instance holds one layer's hyper-parameters as its attributes.

    A subclass is a frozen dataclass whose fields are made with `choice`, decorated with
    `register`. It must be total: every shape with positive extents has an output shape, since
    actions may put any layer anywhere. Modules import torch inside `build`, so that architectures
    and spaces load without it.

    Only `kind`, `output_shape` and `build` must be given. The rest says how a child's layer takes
    over its parent's weights; a type that says nothing keeps the overlap of every tensor.
    """

    kind: ClassVar[str]
    sources: ClassVar[int] = 1
    """How many inputs it has: 1, or 2 for a merge."""
    flattens: ClassVar[bool] = False
    """Whether the output has no height and width left; only layers that flatten too may follow."""
    stage_scaled: ClassVar[str | None] = None
    """The hyper-parameter that sets the output's channels; it grows with the stages of a stack."""
    strides: ClassVar[tuple[str, ...] | None] = ("stride", "stride_height", "stride_width")
    """Names of what makes the map smaller unless it is 1; none where that is all a layer does."""
    merges_height: ClassVar[bool] = False
    """Whether it reads channels and height as one axis, channels first."""
    averages: ClassVar[bool] = False
    """Whether it reads only the means over height and width, whatever these are."""
    grows: ClassVar[frozenset[str]] = frozenset()
    """Hyper-parameters that can get a larger value without a change of the network's function."""

    @classmethod
    def choices(cls) -> dict[str, tuple[Value, ...]]:
        """The default choices of every hyper-parameter, in the order of the class."""
        return {item.name: item.metadata["choices"] for item in fields(cls)}

    @classmethod
    def custom_ops(cls) -> dict[type[nn.Module], Callable[..., None]]:
        """Counting rules for modules of this type that thop cannot count."""
        return {}

    def held_values(self, inputs: tuple[Shape, ...]) -> int:
        """Activation values that this layer keeps for later while one of its modules runs."""
        return 0

    def flows(self) -> Mapping[str, tuple[str, str]]:
        """Which channels the weights read and write, by the name of the part of the module.

        A part is a convolution that is not depthwise, a linear or recurrent module, a norm, or a
        `NormedConvolution`. The longest name that its own starts with counts. Channels are called
        `IN`, `IN2` and `OUT`; those inside the module have names of the type's own.
        """
        return {}

    def passes(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The inputs whose channels, side by side, are those of the output; none by default."""
        return ()

    def alongside(self, inputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The inputs that are added, channel by channel, to those that it passes on."""
        return ()

    def keeps_function(self, name: str, old: Value) -> bool:
        """Whether a hyper-parameter may have come from another value without a change of function.

        Meant is evaluation mode, with the weights that `rena_pl.network.morph` gives the layer.
        """
        value = getattr(self, name)
        return bool(value == old or (name in self.grows and value > old))

    def pass_on(self, module: nn.Module, inputs: tuple[Shape, ...]) -> bool:
        """Set a fresh module so that its first channels give those of its first input.

        As near as the type can come to it; `is_identity` says when it is exact.

        Returns:
            Whether the channels of the output stand for those of the input now.
        """
        return False

    def is_identity(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Whether a module that was set by `pass_on` gives just what it reads.

        Args:
            inputs: Their shapes.
            nonnegative: Whether the first input is known to hold nothing below zero.
        """
        return False

    def agrees_when_projected(self, inputs: tuple[Shape, ...], nonnegative: bool) -> bool:
        """Whether a shortcut through a projection can do what a plain one did."""
        return False

    def nonnegative(self, inputs: tuple[bool, ...]) -> bool:
        """Whether the output holds nothing below zero, given whether the inputs do."""
        return getattr(self, "activation", None) in ("relu", "crelu")

    @abstractmethod
    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape this layer makes of its inputs' shapes."""

    @abstractmethod
    def build(self, inputs: tuple[Shape, ...]) -> nn.Module:
        """A fresh module that maps tensors of the inputs' shapes to one of the output shape."""

    def as_layer(self, *inputs: int) -> Layer:
        """These hyper-parameters as the data of a layer that reads from `inputs`."""
        return Layer.of(self.kind, {f.name: getattr(self, f.name) for f in fields(self)}, inputs)


AnyLayerType = TypeVar("AnyLayerType", bound=type[LayerType])
_registered: dict[str, type[LayerType]] = {}


def register(layer_type: AnyLayerType) -> AnyLayerType:
    """Class decorator that makes a layer type known by its `kind`.

    A class that is made anew, as by running a cell of a notebook again, takes the old one's place.

    Raises:
        RenaError: The class is no complete layer type, or another one has that name already.
    """
    path = f"{layer_type.__module__}.{layer_type.__qualname__}"
    problem = _problem(layer_type)
    if problem:
        raise RenaError(f"layer type {path}: {problem}")
    other = _registered.setdefault(layer_type.kind, layer_type)
    if (other.__module__, other.__qualname__) != (layer_type.__module__, layer_type.__qualname__):
        raise RenaError(
            f"two layer types are called '{layer_type.kind}': "
            f"{other.__module__}.{other.__qualname__} and {path}"
        )
    if other is not layer_type:
        _registered[layer_type.kind] = layer_type
        _decode.cache_clear()
    return layer_type


def _problem(layer_type: type[LayerType]) -> str | None:
    """What keeps a class from being a layer type."""
    if "__dataclass_params__" not in vars(layer_type):  # else those of its parent would count
        return "decorate it with @dataclass(frozen=True)"
    kind = getattr(layer_type, "kind", None)
    if not (isinstance(kind, str) and kind.isidentifier()):
        return f"its kind must be a plain name, not {kind!r}"
    for item in fields(layer_type):
        if "choices" not in item.metadata:
            return f"{item.name} has no choices: make it with choice(...)"
    choices = layer_type.choices()
    for name, values in choices.items():
        for value in values:
            try:
                check_value(kind, name, value, values)
            except ArchitectureError as error:
                return f"choice {value!r} of {name}: {error}"
    scaled = [layer_type.stage_scaled] if layer_type.stage_scaled else []
    for does, names in (("can grow", layer_type.grows), ("is scaled in a stage", scaled)):
        for name in names:
            if name not in choices:
                return f"it has no hyper-parameter '{name}', which it says {does}"
    if isabstract(layer_type) or layer_type.sources not in (1, 2):
        return "it needs output_shape and build, and 1 or 2 sources"
    return None


@cache
def _load_all() -> None:
    for name in BUILT_IN_MODULES:
        import_module(f"rena_pl.layers.{name}")
    plug_in = None
    try:
        for plug_in in entry_points(group=ENTRY_POINT_GROUP):
            plug_in.load()
    except (Exception, SystemExit) as error:  # whatever somebody's package dies of
        raise RenaError(f"the layer types of the plug-in {plug_in}: {error}") from error


def layer_types() -> Mapping[str, type[LayerType]]:
    """Every registered layer type by kind: ours and those of the entry-point group."""
    _load_all()
    return _registered


def layer_type(kind: str) -> type[LayerType]:
    """The layer type called `kind`.

    Raises:
        RenaError: There is none; the sentence lists those there are.
    """
    known = layer_types()
    if kind not in known:
        raise RenaError(
            f"unknown layer type '{kind}'; known are {', '.join(sorted(known))}; "
            "one of your own has to be installed, or its module imported"
        )
    return known[kind]


def named_kind(name: str) -> str:
    """The kind of a layer type that a config names by its kind, or by its class path.

    A class path, such as `my_package.my_layers.Shuffle`, is imported and registered.

    Raises:
        RenaError: There is no layer type at the class path.
    """
    module, _, attribute = name.rpartition(".")
    if not module:
        return name
    try:
        found = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever a user's module dies of
        raise RenaError(f"layer type {name}: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, LayerType) and hasattr(found, "kind")):
        raise RenaError(f"layer type {name}: it is not a layer type, a subclass of LayerType")
    return register(found).kind


@lru_cache(maxsize=None, typed=True)  # else True, which is refused, would be taken for 1
def _decode(kind: str, /, **values: Value) -> LayerType:
    cls = layer_type(kind)
    choices = cls.choices()
    if values.keys() != choices.keys():
        raise ArchitectureError(
            f"{kind} takes exactly {', '.join(choices) or 'no hyper-parameters'}, "
            f"but was given {', '.join(values) or 'none'}"
        )
    for name, value in values.items():
        check_value(kind, name, value, choices[name])
    return cls(**values)


def check_value(kind: str, name: str, value: Any, choices: tuple[Value, ...]) -> None:
    """Raise an `ArchitectureError` unless `value` can be given to the hyper-parameter."""
    if isinstance(choices[0], bool | str):
        if type(value) is not type(choices[0]) or value not in choices:
            allowed = ", ".join(map(str, choices))
            raise ArchitectureError(f"{kind}: {name} must be one of {allowed}, not {value!r}")
    elif type(value) is not type(choices[0]) or not value > 0:
        noun = "whole number" if isinstance(choices[0], int) else "number with a point"
        raise ArchitectureError(f"{kind}: {name} must be a positive {noun}, not {value!r}")
    elif value > LARGEST:
        raise ArchitectureError(f"{kind}: {name} must be at most {LARGEST:,}, not {value!r}")


def decode(layer: Layer) -> LayerType:
    """The layer type instance that holds a layer's hyper-parameters.

    Raises:
        ArchitectureError: Hyper-parameters are missing, unknown or not allowed.
        RenaError: The kind is unknown.
    """
    return _decode(layer.kind, **layer.values)
