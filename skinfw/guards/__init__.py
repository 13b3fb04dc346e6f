"""What the host asks of the answers of components, whoever wrote them.

Everything that calls components may import this folder; it imports `interfaces` and `errors`. What
is wrong is raised as an `AnswerError`, which the guard of the component turns into its four lines.
torch lives in `tensors` alone.
"""
