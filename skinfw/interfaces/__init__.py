"""What authors of plugins see: kinds, hooks, protocols, values and image transforms.

Everybody may import it; it imports nothing of skinfw but errors, and neither numpy nor anything
else that is heavy at run time. No torch. What stands here is the public interface: change it only
with a line in the CHANGELOG.
"""
