"""What authors of plugins see: kinds, hooks, protocols, values and image transforms.

Everybody may import it; it imports nothing of skinfw but errors, and neither torch nor numpy at
run time. What stands here is the public interface: change it only with a line in the CHANGELOG.
"""
