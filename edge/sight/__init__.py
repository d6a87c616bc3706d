"""Frame to evidence: camera, models, quality, liveness."""

import cv2

# Crops are small: handing one to other threads takes longer than cutting it out.
cv2.setNumThreads(1)
# On x86-64 OpenCV cuts them out in two thirds of the time if a grey level may round otherwise.
cv2.ipp.setUseIPP_NotExact(True)
