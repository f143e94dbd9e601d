from deepmed.cli.xray.telling import of_whom


def test_images_of_nobody_known_are_not_called_patients() -> None:
    assert of_whom(16, 8, "patient") == "16 images of 8 patients"
    assert of_whom(16, 16, "image") == "16 images, of which nothing says whose they are"
    assert of_whom(16, 12, "patient or image") == "16 images of 12 patients or images"
