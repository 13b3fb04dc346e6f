"""What a network says of labelled images: views averaged, numbers measured, maps explained.

Imports `models`, `statistics` and what lies below; torch lives in `evaluator`, `changed_images`,
`inspection` and `explain` alone; `view_averaging` works on arrays, too.
"""
