from deepmed.learning.encoders.hog_pyramid.encoder import HogPyramidEncoder
