"""The columns of the engine's tables: what each number of a row means.

Few wide tables rather than many arrays: a pupil's row lies together in memory, and compiled code
that passes few arrays compiles in a third of the time. Times are in nanoseconds.
"""

# People, in the order in which they are due. The request, how many attempts failed, where it is
# (`state.OUTSIDE` and so on), at which depth, and of how many tiers it holds a place.
REQUEST, ATTEMPT, WHERE, LEVEL, HELD = range(5)
# When the request was first meant to be sent, when it was sent, when patience ends, how long the
# pupil has thought; when what it waits for happens, or it joined the queue; who comes after it.
MEANT, SENT, LEAVES, THOUGHT, MOMENT, LINK, DOOMED = range(5, 12)
# The hosts at each depth, and for each tier the host that the pupil keeps to; when the journey
# ended, and how.
HOSTS, KEPT, ENDED, OUTCOME, PERSON_COLUMNS = 12, 15, 19, 20, 21

# Hosts as they change: jobs at work and where their heap begins, virtual clock and when it was
# read, places taken, requests that wait; whether it is up, and how often it was visited since.
JOBS, JOBS_FROM, CLOCK, READ, BUSY, WAITING, UP, VISITED, MOST_BUSY, MOST_WAITING = range(10)
HOST_COLUMNS = 10

# Lists: their first and their last.
HEAD, TAIL = 0, 1

# Requests: how many tiers, whether it connects, its priority, where a retry begins, the time to
# think after it and its shape (four columns), whether nothing follows it, and the tier at each
# depth, -1 beyond.
DEPTH, CONNECTS, PRIORITY, AGAIN, THINK_TIME, THINK_SHAPE, LAST, PATH = 0, 1, 2, 3, 4, 5, 9, 10
# Work: by phase, then its shape.
PHASES, SHAPE = 0, 3

# Tiers: one way to its caller, the whole way home to the pupil, its first host, how many it has,
# and how requests are shared out.
TRIP, WAY_HOME, FIRST_HOST, HOST_COUNT, BALANCE = range(5)
# Hosts as they are. The visits from which on one is no longer cold, and is warm, and how many it
# has had before the morning.
TIER, CORES, WORKERS, QUEUE, QUEUE_TIME, WARMING_FROM, WARM_FROM, BEFORE = range(8)
# Those who come, with the request that they begin with, and faults.
PERSON, DUE, SCHOOL, BEGINS = range(4)
FAULT_TIME, FAULT_HOST, FAULT_UP = range(3)
