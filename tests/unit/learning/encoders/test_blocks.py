"""Vectors are stored under these hashes: only another arithmetic may change them."""

from deepmed.learning.encoders.hog_pyramid import layout as hog_pyramid
from deepmed.learning.encoders.scattering import layout as scattering


def test_the_built_in_encoders_are_named_as_their_stored_vectors_are() -> None:
    assert hog_pyramid.layout_hash() == (
        "53c413c552f2045636b7f3c054caf81525d97958387c989e1150af9546855c97"
    )
    assert scattering.layout_hash() == (
        "0e58003469d53ab3a652fa124823d6df48dd1cd786cfb2d3c448099ea34320fc"
    )


def test_blocks_fill_the_vector_one_after_the_other() -> None:
    for layout in (hog_pyramid, scattering):
        slices = layout.block_slices().values()
        assert [place for one in slices for place in range(one.start, one.stop)] == list(range(768))
