"""Weights in and out of files. Reading one runs no code and takes no more memory than the cap."""

import io
import zipfile
from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from orbitfl.errors import WeightsError
from orbitfl.files import write_bytes
from orbitfl.models.mobile_sam import VARIANTS, MobileSam, build, named
from orbitfl.models.weights import locate

LARGEST_FILE_BYTE = 256 * 2**20
SHOWN_DIFFERENCES = 3
TOKENS, MOST_TOKENS = "prompt_encoder.learned_tokens", 256
"""A checkpoint may hold this tensor besides the official ones: the tokens that the set prompt_tokens has learnt."""
OWN_MARK = {"producer": "orbitfl"}
WHOLE = "average.safetensors"
"""Beside what each satellite of a run has trained lies a whole network, whose frozen part is that of all of them."""


def load(weights: str | Path, variant: str | None = None) -> dict[str, Tensor]:
    """Return a state dict that is proven to fit `variant`, or any variant if None.

    `weights` is `official`, `nano-base` or the path of a `.pt` or `.safetensors` file; floating-point tensors
    of any width become float32. What a satellite of a run has trained is completed from the average beside it.
    Raises WeightsError when the file is no such checkpoint: missing, too large, damaged, holding code, with other
    keys or shapes, or with numbers that are not finite.
    """
    path = locate(weights)
    content = _completed(_read(path), path)
    nearest = _nearest(content, tuple(VARIANTS) if variant is None else (named(variant).name,))
    if differences := _differences(content, nearest):
        raise WeightsError(f"{path} does not fit {nearest}: {_shortened(differences)}. {_remedy(content)}")
    types = {name: like.dtype for name, like in _skeleton(nearest).state_dict().items()}
    if TOKENS in content:
        types[TOKENS] = torch.float32
    state = {name: content[name].detach().to(dtype, copy=True) for name, dtype in types.items()}
    if sick := [name for name, value in state.items() if not value.isfinite().all()]:
        raise WeightsError(f"{path} holds NaN or infinity in {_shortened(sick)}. Give an earlier checkpoint.")
    return state


def load_model(weights: str | Path, image_size: int = 1024) -> MobileSam:
    """Return the network that the file's keys and shapes tell, loaded and in eval mode. Raises as `load`."""
    state = load(weights)
    model = build(variant_of(state), image_size)
    model.load_state_dict(state)
    return model


def save(model: MobileSam, path: Path) -> None:
    """Write all weights under the official keys; the suffix, `.pt` or `.safetensors`, chooses the format.

    A `.pt` is a plain state dict, as the authors' own code loads with `strict=True`.
    Raises WeightsError on another suffix, StorageError when the place cannot be written.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if _suffix(path) == ".safetensors":
        content = safetensors.torch.save(state, metadata=OWN_MARK)
    else:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
    write_bytes(path, content)


def save_half(model: MobileSam, path: Path) -> None:
    """As `save` to safetensors, in half precision: half the bytes, each number rounded by at most 2^-11 of itself.

    Raises WeightsError when a number is beyond the range of half precision.
    """
    if _suffix(path) != ".safetensors":
        raise WeightsError(f"{path} cannot hold half precision; choose a name that ends in .safetensors.")
    state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    if not all(bool(value.isfinite().all()) for value in half.values()):
        raise WeightsError(f"{path} was not written: a weight is beyond half precision; save in full precision.")
    write_bytes(path, safetensors.torch.save(half, metadata=OWN_MARK))


def variant_of(state: Mapping[str, Tensor]) -> str:
    """Name of the variant whose keys and shapes these are. Raises WeightsError when it is none."""
    for name in VARIANTS:
        if not _differences(state, name):
            return name
    raise WeightsError(f"These weights fit no model; expected the state dict of {' or '.join(VARIANTS)}.")


def parameter_count(variant: str) -> int:
    return sum(value.numel() for value in _skeleton(variant).parameters())


def is_own(path: Path) -> bool:
    """Whether `save` wrote this file; only safetensors can tell."""
    if path.suffix != ".safetensors":
        return False
    with safetensors.safe_open(path, "pt") as file:
        return (file.metadata() or {}).items() >= OWN_MARK.items()


@cache
def _skeleton(variant: str) -> MobileSam:
    """The network without memory for its numbers: keys, shapes and types."""
    # Built on the meta device from the start it would load torch's compiler, which takes two seconds.
    with torch.random.fork_rng(devices=()):
        return build(variant).to("meta")


def _read(path: Path) -> Any:
    suffix, size_byte = _suffix(path), path.stat().st_size
    if size_byte > LARGEST_FILE_BYTE:
        raise WeightsError(f"{path} has {size_byte} bytes; no MobileSAM weights exceed {LARGEST_FILE_BYTE}.")
    try:
        return safetensors.torch.load_file(path) if suffix == ".safetensors" else _read_torch(path)
    except WeightsError:
        raise
    except Exception as error:  # Damaged files make the readers raise almost anything.
        raise WeightsError(
            f"{path} cannot be read as {suffix} ({type(error).__name__}): it is damaged or holds more than "
            "tensors. Download or save it again."
        ) from error


def _read_torch(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked_byte = sum(entry.file_size for entry in archive.infolist())
        if unpacked_byte > LARGEST_FILE_BYTE:
            raise WeightsError(f"{path} would unpack to {unpacked_byte} bytes; {LARGEST_FILE_BYTE} are the limit.")
    return torch.load(path, map_location="cpu", weights_only=True)


def _suffix(path: Path) -> str:
    suffix = {".pth": ".pt"}.get(path.suffix, path.suffix)
    if suffix not in (".pt", ".safetensors"):
        raise WeightsError(f"{path} ends in {path.suffix or 'nothing'}; weights end in .pt or .safetensors.")
    return suffix


def _completed(content: Any, path: Path) -> Any:
    whole = path.with_name(WHOLE)
    if not _is_part(content) or not whole.is_file():
        return content
    rest = _read(whole)
    return {**rest, **content} if isinstance(rest, Mapping) and rest.keys() > content.keys() else content


def _is_part(content: Any) -> bool:
    """Whether these are some of a network's tensors and nothing else, as a run keeps them of each satellite."""
    if not isinstance(content, Mapping) or not content:
        return False
    return any(content.keys() <= {*names, TOKENS} and not content.keys() >= names for names in map(_names, VARIANTS))


def _remedy(content: Any) -> str:
    if isinstance(content, Mapping) and any(str(name).endswith(".change") for name in content):
        return f"It holds what lora has learnt alone; give the run's folder or its {WHOLE}, which is whole."
    if _is_part(content):
        return f"It is a part of a network alone; give it where the run's {WHOLE} lies beside it, which has the rest."
    return "Give the plain state dict of such a network."


def _nearest(content: Any, variants: tuple[str, ...]) -> str:
    """The variant with the fewest differences: what is wrong is best told against it."""
    return min(variants, key=lambda name: len(_differences(content, name)))


def _differences(content: Any, variant: str) -> list[str]:
    """What keeps `content` from being a state dict of the variant, one phrase each; wrong keys come first."""
    if not isinstance(content, Mapping):
        return [f"a {type(content).__name__} instead of a state dict"]
    expected = _forms(variant)
    if TOKENS in content:
        expected = {**expected, TOKENS: _form_of_tokens(content[TOKENS], variant)}
    missing = [f"{name} is missing" for name in expected if name not in content]
    unexpected = [f"{name!r:.100} is not expected" for name in content if name not in expected]
    wrong = [
        f"{name} is {_form(content[name])} instead of {form}"
        for name, form in expected.items()
        if name in content and _form(content[name]) != form
    ]
    return missing + unexpected + wrong


@cache
def _forms(variant: str) -> dict[str, str]:
    return {name: _numbers(value) for name, value in _skeleton(variant).state_dict().items()}


def _names(variant: str) -> Set[str]:
    return _forms(variant).keys()


def _form_of_tokens(given: Any, variant: str) -> str:
    """Of tokens there may be any number within reason."""
    count = given.shape[0] if isinstance(given, Tensor) and given.dim() == 2 else 0
    return f"float [{min(max(count, 1), MOST_TOKENS)}, {named(variant).embedding_dim}]"


def _form(value: Any) -> str:
    """Type and shape, if it is a tensor with plain numbers in it; anything else can be in a file, too."""
    plain = isinstance(value, Tensor) and value.layout == torch.strided
    if not plain or value.is_meta or value.is_quantized or value.is_complex():
        return f"a {type(value).__name__} of another kind"
    return _numbers(value)


def _numbers(value: Tensor) -> str:
    return f"{'float' if value.is_floating_point() else 'integer'} {list(value.shape)}"


def _shortened(phrases: list[str]) -> str:
    rest = len(phrases) - SHOWN_DIFFERENCES
    return "; ".join(phrases[:SHOWN_DIFFERENCES]) + (f"; and {rest} more" if rest > 0 else "")
