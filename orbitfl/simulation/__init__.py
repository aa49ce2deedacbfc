"""When things happen onboard: training sessions, exchanges in contact windows, evaluations.

Nothing here knows a neural network. An update is a number of bytes, a session a number of seconds and watts;
the result is a timeline that `experiment` fills with numbers afterwards.
"""
