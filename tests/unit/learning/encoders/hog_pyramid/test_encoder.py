"""The promises of the default encoder."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from deepmed.learning.encoders import HogPyramidEncoder, Image, Prepared, get_encoder
from deepmed.learning.encoders.hog_pyramid import layout
from deepmed.learning.encoders.hog_pyramid.encoder import _encode
from deepmed.learning.encoders.hog_pyramid.layout import block_slices
from deepmed.learning.errors import EmbeddingGenerationError

SLICES = block_slices()
GOLDEN_HASH = "53c413c552f2"
GOLDEN_SUMS = {
    "shape": 7.47317,
    "grid_energy": 16.41647,
    "oriented_energy": 5.24167,
    "page_map": 4.46807,
    "page_facts": 59.11134,
}
GOLDEN_VALUES = [0.1519211, 0.0, 0.0115187, 0.0, 0.2955907, 0.1496249, 0.0276571, 0.295242]


def drawing(
    seed: int, height: int = 150, width: int = 150, lines: int = 6, margin: float = 0.2
) -> Image:
    """Random straight strokes, made without any drawing library."""
    generator = np.random.default_rng(seed)
    page = np.full((height, width, 3), 255, np.uint8)
    for _ in range(lines):
        start, end = generator.uniform(margin, 1 - margin, (2, 2)) * [height, width]
        points = np.linspace(start, end, 2 * (height + width)).astype(int)
        for dy, dx in np.ndindex(2, 2):
            page[points[:, 0] + dy, points[:, 1] + dx] = 0
    return page


def scribbled(page: Image, seed: int) -> Image:
    scribble = drawing(seed, *page.shape[:2], lines=40, margin=0.03)
    return np.minimum(page, scribble)


@pytest.mark.req("D-5.1")
def test_it_works_with_no_weights_and_no_network_and_is_the_default() -> None:
    program = (
        "import numpy as np\n"
        "from deepmed.kit import privacy; privacy.guard_sockets()\n"
        "from deepmed.learning.encoders import get_encoder\n"
        "encoder = get_encoder(device='cpu')\n"
        "vectors = encoder.embed([np.full((50, 50, 3), 255, np.uint8)])\n"
        "print(encoder.identity.name, vectors.shape, vectors.dtype)\n"
    )
    environment = {"HOME": "/nonexistent", "PATH": "", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "hog-pyramid (1, 768) float32"


@pytest.mark.req("D-5.1")
def test_the_vector_has_768_numbers_of_five_blocks_on_the_14_by_14_grid(
    hog: HogPyramidEncoder,
) -> None:
    vectors = hog.embed([drawing(0)])
    assert vectors.shape == (1, 768)
    assert vectors.dtype == np.float32
    assert hog.patch_grid == (14, 14)
    assert hog.identity.dimension == sum(layout.BLOCKS.values()) == 768
    # A dot moved by one patch moves the grid's energy by one patch.
    energies = []
    for x in (64, 80):
        ink = torch.zeros(1, 1, 224, 224)
        ink[..., 66:76, x + 2 : x + 12] = 1
        pixels = Prepared(1 - ink, torch.tensor([[0.0, 0, 224, 224]]), torch.full((1, 6), 224.0))
        energies.append(hog.encode(pixels)[0, SLICES["grid_energy"]].reshape(14, 14))
    assert energies[0].nonzero().tolist() == [[4, 4]]
    assert energies[1].nonzero().tolist() == [[4, 5]]


@pytest.mark.req("D-5.1")
def test_the_vector_does_not_depend_on_the_batch_to_the_last_bit(hog: HogPyramidEncoder) -> None:
    pages = [drawing(seed, 120 + seed, 150) for seed in range(33)]
    together = hog.embed(pages, batch_size=33)
    for size in (1, 2, 5, 32):
        assert np.array_equal(hog.embed(pages, batch_size=size), together)
    assert np.array_equal(hog.embed(pages[::-1])[::-1], together)


@pytest.mark.req("D-5.1")
def test_it_is_differentiable_and_its_gradient_is_right() -> None:
    """Against finite differences in float64, in random directions."""
    torch.manual_seed(0)
    pixels = torch.rand(1, 1, 224, 224, dtype=torch.float64)
    frames = torch.tensor([[-10.0, 5.0, 90.0, 105.0]], dtype=torch.float64)
    extras = torch.tensor([[0.0, 10.0, 80.0, 100.0, 100.0, 120.0]], dtype=torch.float64)
    weights = torch.randn(768, dtype=torch.float64)

    def score(at: torch.Tensor) -> torch.Tensor:
        return (_encode(at, frames, extras)[0] * weights).sum()

    leaf = pixels.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(score(leaf), leaf)
    assert gradient.abs().max() > 0
    for _ in range(3):
        direction = torch.randn_like(pixels)
        step = 1e-6
        slope = (score(pixels + step * direction) - score(pixels - step * direction)) / (2 * step)
        assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=1e-3)


@pytest.mark.req("D-5.1")
@pytest.mark.parametrize("page", ["blank", "white with a square", "drawing", "black"])
def test_vectors_and_gradients_are_finite_everywhere(hog: HogPyramidEncoder, page: str) -> None:
    image = drawing(1) if page == "drawing" else np.full((90, 60, 3), 255, np.uint8)
    if page == "white with a square":
        image[20:40, 20:40] = 0
    if page == "black":
        image[:] = 0
    prepared = hog.prepare([image])
    leaf = prepared.pixels.clone().requires_grad_()
    vector = hog.encode(prepared.with_pixels(leaf))
    vector.square().sum().backward()
    assert torch.isfinite(vector).all()
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()
    assert leaf.grad.abs().max() > 0 or page in {"blank", "black"}


@pytest.mark.req("D-5.1")
def test_the_crop_follows_the_ink_and_the_page_facts_remember_where_it_was(
    hog: HogPyramidEncoder,
) -> None:
    """The same drawing in another corner has the same shape and another place."""
    corner, far = np.full((2, 400, 400, 3), 255, np.uint8)
    corner[10:160, 10:160] = drawing(3)
    far[240:390, 220:370] = drawing(3)
    first, second = hog.embed([corner, far])
    for block in ("shape", "grid_energy", "oriented_energy"):
        assert np.abs(first[SLICES[block]] - second[SLICES[block]]).max() < 0.02
    assert np.abs(first[SLICES["page_facts"]] - second[SLICES["page_facts"]]).max() > 0.4
    assert np.abs(first[SLICES["page_map"]] - second[SLICES["page_map"]]).max() > 0.1


def test_shape_does_not_see_how_strong_a_line_is_and_energy_does(hog: HogPyramidEncoder) -> None:
    page = drawing(4)
    faint = (255 - (255 - page.astype(int)) // 2).astype(np.uint8)
    dark, light = hog.embed([page, faint])
    assert np.abs(dark[SLICES["shape"]] - light[SLICES["shape"]]).max() < 0.02
    for block in ("grid_energy", "oriented_energy", "page_map"):
        ratio = light[SLICES[block]].sum() / dark[SLICES[block]].sum()
        assert ratio == pytest.approx(np.sqrt(0.5), abs=0.04)


def test_a_page_that_is_encoded_with_other_pixels_keeps_its_frame(hog: HogPyramidEncoder) -> None:
    prepared = hog.prepare([drawing(5), drawing(6)])
    shown = prepared.with_pixels(prepared.pixels.repeat(3, 1, 1, 1))
    assert torch.equal(hog.encode(shown), hog.encode(prepared).repeat(3, 1))
    with pytest.raises(ValueError, match="do not fit"):
        prepared.with_pixels(prepared.pixels[:1])


def test_no_images_give_no_vectors(hog: HogPyramidEncoder) -> None:
    assert hog.embed([]).shape == (0, 768)
    assert hog.encode(hog.prepare([])).shape == (0, 768)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
        "page.png",
    ],
)
def test_what_is_no_image_is_refused_by_its_place(hog: HogPyramidEncoder, image: object) -> None:
    with pytest.raises(EmbeddingGenerationError, match="Image 2 is"):
        hog.embed([drawing(0), drawing(1), image], batch_size=2)


@pytest.mark.req("D-5.1")
def test_it_takes_at_most_five_milliseconds_an_image(hog: HogPyramidEncoder) -> None:
    """On one core, so that other work on the machine cannot decide; the promise is for two."""
    pages = [drawing(seed, 150 + 10 * seed, 300) for seed in range(32)]
    hog.embed(pages)
    taken = []
    for _ in range(5):
        start = time.process_time()
        hog.embed(pages)
        taken.append(time.process_time() - start)
    assert min(taken) / len(pages) <= 0.005


@pytest.mark.req("D-5.3")
def test_the_vector_of_version_1_is_written_down(hog: HogPyramidEncoder) -> None:
    """Whoever changes these numbers changes every stored embedding: raise the version with them."""
    page = np.full((160, 200, 3), 255, np.uint8)
    page[30:130, 60:64] = 0
    page[80:84, 40:150] = (200, 30, 30)
    y, x = np.mgrid[:160, :200]
    page[np.abs(np.hypot(y - 60, x - 120) - 25) < 2] = (0, 0, 120)
    vector = hog.embed([page])[0]
    sums = {name: float(np.abs(vector[at]).sum()) for name, at in SLICES.items()}
    assert sums == pytest.approx(GOLDEN_SUMS, rel=1e-4)
    assert vector[::97].tolist() == pytest.approx(GOLDEN_VALUES, rel=1e-4, abs=1e-6)
    assert (hog.identity.version, hog.identity.preprocessing_version) == ("1", "ink-box-2")
    assert hog.identity.weight_hash[:12] == GOLDEN_HASH


@pytest.mark.req("D-5.3")
def test_another_constant_is_another_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    before = HogPyramidEncoder(device="cpu").identity.key
    assert HogPyramidEncoder(device="cpu").identity.key == before
    monkeypatch.setattr(layout, "MARGIN", 0.07)
    assert HogPyramidEncoder(device="cpu").identity.key != before


def nearest(vectors: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Mean standardised distance to the five nearest typical vectors."""
    own = typical.std(axis=0)
    spread = np.maximum(own, 0.1 * np.median(own))
    apart = (vectors[:, None] - typical[None]) / spread
    return np.sort(np.sqrt((apart**2).sum(axis=2)), axis=1)[:, :5].mean(axis=1)


def auroc(normal: np.ndarray, odd: np.ndarray) -> float:
    return float((odd[:, None] > normal[None]).mean())


@pytest.mark.req("D-5.1")
def test_scribbles_tiny_marks_and_full_pages_are_seen(hog: HogPyramidEncoder) -> None:
    """What the crop and a normalised pyramid would hide (AUROC of one-class nearest neighbours)."""
    pages = [drawing(seed) for seed in range(60)]
    vectors = hog.embed(pages)
    typical, held_out = vectors[:40].astype(float), nearest(vectors[40:], vectors[:40])
    tiny = np.full((20, 150, 150, 3), 255, np.uint8)
    for place, page in enumerate(tiny):
        page[20 + 5 * place : 24 + 5 * place, 60:65] = 0
    full = np.full((20, 150, 150, 3), 255, np.uint8)
    for edge, page in enumerate(full):
        page[edge // 2 : 150 - edge // 2, 3:147] = 0
    odd = {
        "scribble": [scribbled(page, 100 + at) for at, page in enumerate(pages[40:])],
        "tiny": list(tiny),
        "full": list(full),
    }
    for name, images in odd.items():
        assert auroc(held_out, nearest(hog.embed(images), typical)) > 0.95, name


def test_one_image_encoded_alone_equals_the_registry_s_encoder(hog: HogPyramidEncoder) -> None:
    page = drawing(7)
    other = get_encoder("hog-pyramid", device="cpu")
    assert np.array_equal(hog.embed([page]), other.embed([page]))


def quarters_exchanged(page: Image) -> Image:
    """The quarters of the ink's box in another order."""
    rows, columns = (np.flatnonzero((page.min(axis=2) < 224).any(axis=axis)) for axis in (1, 0))
    top, left = rows[0], columns[0]
    height, width = (rows[-1] + 1 - top) // 2, (columns[-1] + 1 - left) // 2
    corners = [(top + y * height, left + x * width) for y, x in np.ndindex(2, 2)]
    made = page.copy()
    for (y, x), (v, u) in zip(corners, corners[::-1], strict=True):
        made[y : y + height, x : x + width] = page[v : v + height, u : u + width]
    return made


@pytest.mark.req("D-5.1")
def test_real_drawings_are_told_from_scribbles_and_exchanged_quarters(
    hog: HogPyramidEncoder, real_drawings_zip: Path
) -> None:
    """Both were about 1.0 and .75 on six splits when the layout was chosen."""
    with zipfile.ZipFile(real_drawings_zip) as archive:
        names = sorted(name for name in archive.namelist() if "bird" in name)
        drawings = [Pillow.open(archive.open(name)).convert("RGBA") for name in names]
    white = Pillow.new("RGBA", drawings[0].size, "white")
    pages = [np.asarray(Pillow.alpha_composite(white, page).convert("RGB")) for page in drawings]
    order = np.random.default_rng(0).permutation(len(pages))
    typical = hog.embed([pages[at] for at in order[:70]]).astype(float)
    held_out = [pages[at] for at in order[70:]]
    normal = nearest(hog.embed(held_out), typical)
    scribbles = [scribbled(page, at) for at, page in enumerate(held_out)]
    exchanged = [quarters_exchanged(page) for page in held_out]
    assert auroc(normal, nearest(hog.embed(scribbles), typical)) > 0.9
    assert auroc(normal, nearest(hog.embed(exchanged), typical)) > 0.65
