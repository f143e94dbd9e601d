"""What trains in Amazon's cloud."""

from pathlib import Path
from typing import Annotated

import typer

from deepmed.cli.output import JsonFlag, Output


def container(
    folder: Annotated[Path, typer.Argument(help="Where to write what the image is built from.")],
    image: Annotated[str, typer.Option(help="Name and tag of the image.")] = "deepmed-training",
    build: Annotated[bool, typer.Option("--build", help="Let Docker build it now.")] = False,
    push: Annotated[
        str | None, typer.Option("--push", help="Push it to this repository of Amazon's.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the container in which Amazon SageMaker trains, and check it.

    Where no Docker is, the commands are printed that build and push it where there is one.
    """
    from deepmed.features.drawings.training.sagemaker.container import (
        SageMakerContainerBuilder,
        push_steps,
    )

    out, builder = Output(as_json), SageMakerContainerBuilder(folder)
    made = builder.build_training_container(image, build=build)
    steps = list(made.steps)
    if push is not None:
        steps = builder.push_to_ecr(image, push) if build else push_steps(image, push)
    out.say(f"Written and checked: {', '.join(made.files)} in {folder}")
    if made.built:
        out.say(f"Built: {image}")
    for step in steps:
        out.say(f"  {step}")
    out.finish(
        {"folder": folder, "files": made.files, "image": image, "built": made.built, "steps": steps}
    )
