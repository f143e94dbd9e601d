"""What can be listened to of X-rays; found by its name."""

from deepmed.core.events.topic import Topic
from deepmed.features.xray.messages.topic import RUNS

TOPICS: tuple[Topic, ...] = (RUNS,)
