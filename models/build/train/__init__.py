r"""Training of our MobileFaceNet by distillation: ``python -m models.build.train --help``.

What is here
------------
``config.toml``       every number of a run; the seed is in it
``__main__.py``       command line: start, go on after a kill, begin a new cosine
``crops.py``          aligned heads and aligned LFW pairs, by the product's own aligner
``distil.py``         the loop: wall-clock schedule, workers, checkpoints, log, export
``networks.py``       student and teacher with BatchNorm folded in, SAME padding
``data.py``           faces and augmentation; ``masks.py`` holds what is blended where
``kernels.c``, ``.py``  whole bottlenecks and stage errors for AVX-512, compiled when first used
``verification.py``   LFW accuracy and agreement with the teacher
``publish.py``        keeps a run here: ``student.npz``, ``.json``, ``log.csv``, curve

A run needs PyTorch 2.13 (CPU), NumPy, OpenCV, gcc and a processor with ``avx512_bf16``::

    python -m models.build.train --faces faces_128.npz --teacher teacher_mobilefacenet \
        --heads heads.npy --crops lfw_crops.npz --out run --until 2026-01-31T18:00 \
        --start models/build/train/student.npz

Add ``--symmetric`` where the starting weights were trained with symmetric padding. Run the same
command again after a kill: it goes on from ``run/checkpoint.pt``. With ``--restart`` it begins a
new cosine from there; with ``--back-towards WEIGHTS`` it trains no further and exports the mean of
the run's weights and those. SIGTERM saves and stops. LFW is measured, never trained on.

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
  still; with weight 8 both losses fall faster. A student that is nearly there is held back by them:
  50,000 images more, from the same weights and at the same rates, gave a cosine on LFW of 0.9098
  with weight 8 and of 0.9110 with weight 1.
* The teacher gets 991 of LFW's 999 pairs right. Four of its eight errors are pairs called the same
  that show two people; the others have sunglasses, an arm across the face or a turned head. Who
  only copies errs there too. So 5 of 16 views are veiled: glasses, a brim, an arm, a scarf, harsher
  light, for the student alone, whose vector (not its stages) is held to the teacher's of the face
  bare. With one picture of LFW's 499 pairs veiled like that, either in turn, a single look and the
  threshold at FMR 1e-3 of bare pictures, so many were turned away:

  ============  =======  =======  =====  ======  =====
  .             glasses  a brim   an arm a scarf light
  ============  =======  =======  =====  ======  =====
  teacher       6.6 %    3.9 %    21.2 % 4.2 %   1.9 %
  before        13.4 %   7.8 %    31.1 % 9.1 %   3.7 %
  after         5.6 %    6.1 %    21.7 % 6.6 %   3.8 %
  their mean    8.8 %    6.4 %    27.2 % 7.5 %   3.4 %
  ============  =======  =======  =====  ======  =====

  On the pairs as they are the veils cost a little (d' 5.42 before, 5.39 after); the mean of both,
  0.7 to 0.3, is better than either (5.45), also on faces held out (cosine 0.9378 and 0.9378, the
  mean 0.9387). Of the shares 0.2 to 0.6 this one turned away the fewest together with dlib's
  network, by one or two pairs, which is chance.
* Frozen BatchNorm statistics: the student starts from trained weights; folding them saves two
  passes over every map, makes an image independent of its batch, and what is trained is what is
  quantized.
* Muon (Jordan 2024) for the 1x1 kernels, AdamW for the rest; not compared with AdamW alone.
* Speed, images a second of one core's time: 21 with autocast (a fifth of it in PyTorch's bfloat16
  gradient of one strided depthwise convolution), 60 without BatchNorm, 110 with these kernels.

`log.csv` is one run with changes on its way: heads from 13,000 images on, stages with weight 8 from
51,000, bent and mixed heads from 151,000, backdrops, patches and JPEG from 1,060,000, stages with
weight 1 from 2,411,000 and, from 2,463,000 on, with weight 0.5, relations with 40 and veils. Its
second cosine began at 177,000 images with the rates 4e-4, because the first one had annealed before
the time was up; the third ran from 208,000 to 951,000, two hours on two shared cores; a fourth,
with 4e-4 to 1,060,000, brought nothing more; the fifth ran to 2,411,000, a sixth for ten minutes
with 4e-4, and the seventh to the end has the numbers of `config.toml`, which alone repeats this
last part, not the whole. The last line is the mean of the seventh's end and the fifth's.
"""
