"""The tuned limits of this room, each with what it was tuned on.

Times are seconds, angles degrees. "Genuine blinks" are those labelled by eye in public clips;
attacks are those of `edge.evaluate.attacks`.
"""

from __future__ import annotations

from dataclasses import dataclass

# The proof of life as a whole.

MAX_GAP_S = 0.3
"""A longer gap between two frames breaks the film."""
SETTLE_S = 0.1
"""A blink is judged so long after the eyes were half open again, when the face has settled."""
SUSPECT_S = 2.0
"""After a blink that looked like two pictures, none counts for so long."""
RETRY_S = 3.0
"""How long a failed challenge stays FAILED; then another one is drawn."""

MAX_UNPROVEN = 2
"""After so many blinks of which one cannot say whether they are a person's, a challenge is asked,
until one proves life. After one that looked like pictures the challenge alone decides."""
LONG_S = 6.0
"""After so long in view one such blink is enough; by default a door waits 10 s for a proof."""

PUBLIC_FILMS, ASKED = 26, 2
"""Public films of people who blink, on which the limits here were set, and those of them whose
person is asked for a challenge at the level `auto`: 8 % (1-25 %)."""

# What speaks against the picture.

AVERAGED_S = 2.0
"""One look trembles with every move of the face; the mean of these seconds counts."""
RECAPTURE_COUNTS, SKIN_EXCUSES = 0.25, 0.1
"""What the recapture network says counts by the first of these, and what the skin network says for
a face by the second: in places that they have not learnt from the skin tells best, but a face that
is drawn well on a screen has fine skin. Chosen on stored crops and on rendered screens; with whole
shares, 0.75 of what the skin says against a face and nothing of what it says for one, 9 of 120
screens opened instead of 7, and of single tight crops 81 of 100 pairs were told apart, not 90."""
DOUBT_ABOVE = 1.25
"""Log-odds of an attack, summed over the checks, the lowest quarter at which fewer than 3 % of
LFW's photographs are doubted: 2.97 %, at 1 4.0 %."""
NEAR_ABOVE, NEAR_WATCHED_S = -1.0, 2.7
"""Above this a face is nearly doubted, and a blink waits until it was watched for so many seconds:
with two networks 14 of 120 screens drawn by a program opened instead of 18."""
UNSEEN = 20.0
"""Log-odds of an attack where a second camera sees no face: more than any other check outweighs."""
BESIDE = 0.4
"""As wide, at least, is a face in the second camera's frame as in the first one's: who holds a
screen stands behind it. Lenses may differ by as much."""
ROOM = 2.9
"""So many face boxes the frame is wide and high where surroundings tell anything: 98 % of LFW's
pictures have less room, and the network doubts most of these."""
ASKEW_DEG = 16.0
"""The networks are shown a face that lies aside by more as if it stood upright. Chosen on one half
of the sources of public films, whose single pictures were turned; of the other half, turned by 20
to 60 degrees, 63 of 100 recaptured ones are doubted instead of 40, upright 76, of 348 living ones
none instead of 11. By less, turning blurs more than it tells."""
ASKEW = 1.0
"""Log-odds of an attack where it does. Chosen on the same half; of the other one 74 of 100
recaptured ones are doubted then, and one of 348 living ones."""
BRIGHT, MAX_GAIN = 80.0, 3.0
"""The networks are shown a face whose middle is darker than the first of these, in grey levels, so
bright, by no more than the second: darkened to 0.35, of recaptured crops of sources on which this
was not chosen 67 % are doubted instead of 39 %, with surroundings 38 instead of 20 %. Brought to
100, it would be 73 and 52 %, but 3.1 % of LFW's photographs. A twentieth of these is darker than
87."""
BANDS_COUNT, BANDS_FULL, BANDS_MOST = 0.005, 0.012, 2.0
"""From the first strength to the second, bands that roll over a face speak against it, more and
more, in the end with so much log-odds. In the mean of a film 67 of 120 drawn screens are
above the first, of 35 genuine films none. It is no more because lamps that flicker make bands, too:
were so much said of all of them, 5 of the 35 would be doubted; were it 3, 25."""
BANDS_WITHIN_S = 0.15
"""Frames further apart show that somebody moved."""
ROOM_EVERY_S, ROOM_LOOKS = 60.0, 30
"""Bands tell nothing where they rolled over the empty room in more than half of so many looks."""
ROOM_LIGHT = 35.0
"""In a darker room, in grey levels, none is taken: noise of 2 grey levels that a row's pixels share
is bands on most pictures of 5 to 10."""
LOOK_EVERY_S = 0.25
MIN_LOOKS = 5
"""Fewer say nothing: until then, a second after a face came, a blink waits."""

# One unbroken film of one face.

MAX_ABRUPTNESS = 0.88
"""74 genuine blinks stay below 0.86 at 24-60 frames a second; at 12, every tenth does not, and has
to be followed by another. Alternating pictures reach 0.94 and more."""
ABRUPTNESS_OF_ALL, ABRUPTNESS_OF_A_FRAME = 0.4, 1.6
"""Of a blink of n frames between the half-way points, at most the first and the n-th part of the
second: 72 genuine ones of 4 frames and more stay below it, of 23 that strips of paper made 15."""
MIN_TURN, TURNED = 0.25, 3.0
"""A face is another view after a blink than before when it differs by so much, and by so many times
what it does from frame to frame. Strips of paper reach 0.06; of prints that are waved about and
taken to blink the difference is up to 0.4, but 2 of these times."""
SMOOTH = 4.0
"""...and no step across the blink is larger than so many usual ones."""
MAX_SECONDS = 0.36
"""Between the half-way points; two pictures that fade into each other take longer. Of the genuine
blinks, 95 % are over in 0.32 s: slower ones are blinks, but prove nothing."""
MAX_RETURN = 0.8
"""Share of the face's change that is taken back after the blink; a squint with the blink takes
back up to 0.75."""
MIN_CHANGE = 0.1
"""Below this change (deviations of the patch) there is nothing to take back but noise."""
GENTLE, DEEP = 0.45, 1.8
"""Lids that move so smoothly (abruptness), or fall so far, are surely lids: of 71 genuine blinks 47
do, of 87 that strips of paper made on a print 9."""
STILL, MIN_SWAY, MIN_SWAY_SURE = 1.7, 0.0075, 0.00375
"""The face changes across the blink by more than so many times the change between two frames, which
is mostly noise, or it sways in the frame, in distances between the eyes; with sure lids less does.
Where neither is so, and the blink is no half one, nothing but the eyelids moves..."""
HALF = 1.1
"""...a less deep one, as a tenth of the genuine ones is, shows too little to say that."""
CALM_CHANGE, CALM_SWAY = 0.08, 0.015
"""And below both of these, without sure lids, nothing is proved: of the 71 none, of 43 blinks of
strips that moved more than the above 35."""
CUT = 1.1
"""Change between two frames that is another picture; unrelated faces differ by 0.5 to 1.4."""
JUMP = 0.5
"""Change between two frames after which is compared who this is: of 10,700 frames of genuine films
0.5 % change by more, of 34 people put in the place of each other 99.9 %."""
COMPARED_S = 0.4
"""No longer after a blink may the comparison come that says whose it was."""
MAX_SPEED = 2.5
"""Of the face across a blink, in distances between the eyes a second. Two of 64 genuine blinks are
faster, heads that turn; prints that are waved and taken to blink reach 2.9 and 6.0."""
MEMORY_S = 1.5
BEFORE_S = 0.08
"""The face before a blink is looked at so long before its lids are half closed."""
MIN_FILM_S = 0.4
"""So much of the face must be seen before its lids are half closed."""
MAX_UNREST = 0.35
"""Lids rest before a blink; printed eyes that are pulled up and down do not. A blink that follows
another within half a second does not either: it is one, but proves nothing."""
MAX_LABOUR = 1.45
"""Of these two shares together: printed eyes pulled by hand come slowly and from no rest, 1.52 and
more; of 99 genuine blinks 98 reach 1.38 at most."""
MAX_FORESHORTENING = 0.1
"""A picture tilted away and back closes its eyes and loses height; in 74 genuine blinks faces
lost 0.064 at most."""
# A challenge.

TURN_DEG = 16.0
"""So far the head turns aside; less is swaying."""
LIFT_DEG = 14.0
"""So far the head is lifted."""
APPROACH = 1.2
"""So much wider the face becomes when somebody comes closer."""
BACK = 0.5
"""A move is over when the head is back within this share of the way."""
MAX_TURN_DEG_S = 500.0
"""Heads turn more slowly: of 10,000 steps in genuine films one is above 430."""
HOLD_S = 0.12
"""A move is held so long: one odd frame is no move."""
BLINK_GAP_S = 1.5
"""Blinks of one rhythm follow each other within this time."""
QUIET_S = 0.8
"""After the last blink of a rhythm comes none for so long."""
FLAT_BELOW = 0.018
"""Of the face's size: between pictures and people."""

# A blink.

SHUT_WEIGHT = 0.1
"""Lid level for one unit of log-odds: a full blink loses about 0.8 by either network."""
MIN_USUAL = 0.1
"""Nobody's eyes are usually less open than this (height over width)."""
USUAL_PERCENTILE = 75
REST_S, FALL_S = 0.5, 0.1
"""Lids at rest are looked for so long before they are half closed, until they may begin to fall."""


@dataclass(frozen=True, slots=True)
class BlinkLimits:
    """What counts as a blink. Depths are in lid levels: 1 is this person's usual opening."""

    memory_s: float = 6.0
    """The usual opening is learnt from the last seconds."""
    depth: float = 0.8
    """The mean of both eyes falls at least so far; a full blink falls by 1 to 2, half blinks and
    squints by up to 0.8."""
    depth_each: float = 0.2
    """So far falls each eye for itself: a wink is not a blink."""
    together_s: float = 0.12
    """Both eyes begin within this time (and half a frame)."""
    recovery: float = 0.5
    """The blink is over when this share of the fall has come back."""
    shortest_s: float = 0.04
    """Between the half-way points. Shorter dips are one bad frame."""
    longest_s: float = 0.47
    """Between the half-way points; genuine ones reach 0.45. Longer closures are not blinks."""
    longest_gap_s: float = 0.2
    """Between two frames of a blink; at fewer than 5 frames a second nobody can tell."""
    lead_s: float = 0.7
    """The level before a dip is the highest in this time before its lowest point."""
    max_yaw_deg: float = 35.0
    """One eye of a head turned further away cannot be judged."""
    max_turn_deg: float = 30.0
    """The head turns no further than this during the blink, or the lids cannot be judged; two of 77
    genuine blinks are in turns of 20 to 28 degrees."""
