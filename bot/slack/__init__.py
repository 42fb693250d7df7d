"""The Slack bot: the colleague who has read everything.

An event is written to the inbox before it is acknowledged, answered behind, in the order of its thread, and marked
done when the reply stands:

    event -> intake -> inbox -> lanes -> desk -> chain -> blocks -> replies
"""
