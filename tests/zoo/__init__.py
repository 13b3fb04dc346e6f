"""Components that are right, and beside each some that are wrong on purpose, in one way only."""

from zoo import images as images
from zoo import learning as learning
from zoo import networks as networks
from zoo import results as results
from zoo import sampling as sampling
from zoo.register import RIGHT as RIGHT
from zoo.register import WRONG as WRONG
