r"""Training of our MobileFaceNet by distillation: ``python -m models.build.train --help``.

What is here
------------
``config.toml``      every number of a run; the seed is in it
``__main__.py``      command line: start, go on after a kill, begin a new cosine
``distil.py``        the loop: wall-clock schedule, workers, checkpoints, log, export
``networks.py``      student and teacher with BatchNorm folded in, SAME padding
``data.py``          faces and augmentation
``kernels.c``, ``.py`` depthwise convolutions and stage errors for AVX-512, compiled when first used
``verification.py``  LFW accuracy and agreement with the teacher

A run needs PyTorch 2.13 (CPU), NumPy, OpenCV, gcc and a processor with ``avx512_bf16``::

    python -m models.build.train --faces faces_128.npz --teacher teacher_mobilefacenet \
        --crops lfw_crops.npz --start weights.npz --out run --until 2026-01-31T18:00

Run the same command again after a kill: it goes on from ``run/checkpoint.pt``. With ``--restart``
it begins a new cosine from there. LFW is only measured, never trained on.

What was tried, and why it is as it is
--------------------------------------
* Frozen BatchNorm statistics: the student starts from trained weights; folding them saves two
  passes over every map, lets micro-batches be as small as the cache likes, and what is trained is
  what is quantized.
* Muon (Jordan 2024) for the 1x1 kernels, AdamW for the rest.
* PyTorch's bfloat16 gradient of a strided depthwise convolution takes 43 ms where float32 takes
  4 ms (16 images, 128 channels, 56x56, one thread); it alone was a fifth of a step.
"""
