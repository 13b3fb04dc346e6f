"""Train, validation and test parts that keep lesions whole, for skinfw."""
