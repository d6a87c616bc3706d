r"""Training of our MobileFaceNet by distillation: ``python -m models.build.train --help``.

What is here
------------
``config.toml``       every number of a run; the seed is in it
``__main__.py``       command line: start, go on after a kill, begin a new cosine
``crops.py``          aligned heads and aligned LFW pairs, by the product's own aligner
``distil.py``         the loop: wall-clock schedule, workers, checkpoints, log, export
``networks.py``       student and teacher with BatchNorm folded in, SAME padding
``data.py``           faces and augmentation
``kernels.c``, ``.py``  whole bottlenecks and stage errors for AVX-512, compiled when first used
``verification.py``   LFW accuracy and agreement with the teacher
``publish.py``        keeps a run here: ``student.npz``, ``.json``, ``log.csv``, curve

A run needs PyTorch 2.13 (CPU), NumPy, OpenCV, gcc and a processor with ``avx512_bf16``::

    python -m models.build.train --faces faces_128.npz --teacher teacher_mobilefacenet \
        --heads heads.npy --crops lfw_crops.npz --out run --until 2026-01-31T18:00 \
        --start models/build/train/student.npz

Add ``--symmetric`` where the starting weights were trained with symmetric padding. Run the same
command again after a kill: it goes on from ``run/checkpoint.pt``. With ``--restart`` it begins a
new cosine from there. SIGTERM saves and stops. LFW is measured, never trained on.

What was found
--------------
* From symmetric to SAME padding: every map moves by one cell, so moving the head's 7x7 kernel by
  one cell (`networks.to_same_padding`) leaves a cosine of 0.93-0.96 to the network before, and the
  teacher's maps are compared one cell further on. Without it the cosine is 0.2-0.5.
* The faces are tight photos whose rim is repeated to fill the crop: no forehead, no hair. Agreement
  with the teacher was 0.84 on them and 0.69 on LFW. Setting faces into heads with real
  surroundings narrows that gap.
* After 951,000 images the cosine to the teacher was 0.926 on faces trained on, 0.924 on faces held
  out and 0.883 on LFW, but 0.922 on LFW's faces set into the training's heads: what was missing was
  hair and backgrounds, of which there are 2,000 from some forty people, more than faces. So half of
  the heads now stand before another picture, their colours stray further, patches of something else
  cover parts of the face, and some views go through JPEG.
* With weight 1 the stages' gradient was 30 times smaller than the embedding's and the stages stood
  still; with weight 8 both losses fall faster.
* Frozen BatchNorm statistics: the student starts from trained weights; folding them saves two
  passes over every map, makes an image independent of its batch, and what is trained is what is
  quantized.
* Muon (Jordan 2024) for the 1x1 kernels, AdamW for the rest; not compared with AdamW alone.
* Speed, images a second of one core's time: 21 with autocast (a fifth of it in PyTorch's bfloat16
  gradient of one strided depthwise convolution), 60 without BatchNorm, 110 with these kernels.

`log.csv` is one run with four changes on its way: heads from 13,000 images on, stages with weight
8 from 51,000, bent and mixed heads from 151,000, backdrops, patches and JPEG from 1,060,000. Its
second cosine began at 177,000 images with the rates 4e-4, because the first one had annealed before
the time was up; the third ran from 208,000 to 951,000, two hours on two shared cores; a fourth,
with 4e-4 to 1,060,000, brought nothing more; the fifth, from there to the end, has the numbers of
`config.toml`, which alone repeats this last part, not the whole.
"""
