"""What a network says of labelled images: views averaged, numbers measured, maps explained.

Imports `models`, `statistics` and what lies below; torch is used throughout.
"""
