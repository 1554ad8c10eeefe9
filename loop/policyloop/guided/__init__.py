"""The loop with an agent as the model, guided from outside: start a session, judge what the agent left, answer, end.

What a session is, and how it is kept, is `policyloop.session`.
"""
