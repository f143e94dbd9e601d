"""What a drawing shows: the contract's list, in its order."""

from enum import StrEnum


class SubjectCategory(StrEnum):
    """The 52 subjects; a member's place is its index among the 64 slots of a subject."""

    UNSPECIFIED = "unspecified"
    # objects
    TV = "TV"
    AIRPLANE = "airplane"
    APPLE = "apple"
    BED = "bed"
    BIKE = "bike"
    BOAT = "boat"
    BOOK = "book"
    BOTTLE = "bottle"
    BOWL = "bowl"
    CACTUS = "cactus"
    CAR = "car"
    CHAIR = "chair"
    CLOCK = "clock"
    COUCH = "couch"
    CUP = "cup"
    HAT = "hat"
    HOUSE = "house"
    ICE_CREAM = "ice cream"
    KEY = "key"
    LAMP = "lamp"
    MUSHROOM = "mushroom"
    PHONE = "phone"
    PIANO = "piano"
    SCISSORS = "scissors"
    TRAIN = "train"
    TREE = "tree"
    WATCH = "watch"
    # animals
    BEAR = "bear"
    BEE = "bee"
    BIRD = "bird"
    CAMEL = "camel"
    CAT = "cat"
    COW = "cow"
    DOG = "dog"
    ELEPHANT = "elephant"
    FISH = "fish"
    FROG = "frog"
    HORSE = "horse"
    OCTOPUS = "octopus"
    RABBIT = "rabbit"
    SHEEP = "sheep"
    SNAIL = "snail"
    SPIDER = "spider"
    TIGER = "tiger"
    WHALE = "whale"
    # people
    FACE = "face"
    HAND = "hand"
    PERSON = "person"
    # others
    FAMILY = "family"
    ABSTRACT = "abstract"
    OTHER = "other"


SUBJECT_SLOTS = 64
"""Length of the one-hot vector of a subject; slots 52 to 63 are kept free."""

_BY_TEXT = {category.value.lower(): category for category in SubjectCategory}
_INDEX = {category: index for index, category in enumerate(SubjectCategory)}


def match_subject(text: str | None) -> SubjectCategory | None:
    """The category that a text names, or None; case, `_` and `-` do not matter."""
    return _BY_TEXT.get(" ".join((text or "").replace("_", " ").replace("-", " ").lower().split()))


def subject_index(text: str | None) -> int:
    """The slot of a subject; unknown and missing ones are unspecified, which is 0."""
    return _INDEX[match_subject(text) or SubjectCategory.UNSPECIFIED]


def canonical_subject(text: str) -> str:
    """The list's own spelling where the text names a category, else the text as it is."""
    category = match_subject(text)
    return text if category is None else str(category)
