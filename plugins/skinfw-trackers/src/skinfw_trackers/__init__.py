"""Tell CSV files, TensorBoard, MLflow and Weights & Biases of a run, for skinfw."""
