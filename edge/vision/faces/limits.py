"""The tuned limits of this room.

Tuned on every fourth picture of LFW View 1 test as it is (356 within 25 degrees of frontal) and the
same pictures made worse by `edge.evaluate.degrade`: each of the enrolment's limits refuses 1 to 3 %
of the good ones. `edge-door evaluate verification --degrade all` measures them again.
"""

MIN_PRESENCE = 0.5
"""Below, the mesh itself does not believe in a face: covered, cut off, or none."""
TOO_NEAR = 0.9
"""Of the frame's width."""

ENROL_PRESENCE = 0.9999977
"""Log-odds of 13: refuses 98 % of faces in a mask, 99 % upside down, 97 % out of focus, and 3 % of
good ones. Of real masks, which it was not tuned on, 70 of 74 (faces2); the raw length of the
embedder's vector would not have told the other four."""
ENROL_SHARPNESS = 31.0
"""Variance of the Laplacian: 98 % out of focus, 96 % against the light, 67 % in motion."""
ENROL_STEADINESS = 0.11
"""Curvature in its weaker direction, of the variance: 97 % in motion, all out of focus."""
ENROL_EYES = 0.28
"""Brightness of the eyes, of the cheeks': all of 152 behind black glasses, at most 0.19; dark eyes
that lie deep, in films that served nothing else here, from 0.36."""
ENROL_FACE_PX = 80
"""A probe may be smaller (`[quality] min_face_px`); a template is worth coming closer for."""
