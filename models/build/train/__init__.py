r"""Training of our MobileFaceNet by distillation: ``python -m models.build.train --help``.

What is here
------------
``config.toml``       every number of a run; the seed is in it
``__main__.py``       command line: start, go on after a kill, begin a new cosine
``crops.py``          faces decoded, aligned heads, aligned LFW pairs by the product's own aligner
``teachers.py``       what EdgeFace-XS and w600k_mbf make of every face, once
``composites.py``     faces that nobody has, for the teachers to judge
``targets.py``        both teachers' vectors as 256 numbers, and who is left out of the training
``widen.py``          a start from an older student: blocks that do nothing yet, a new last layer
``distil.py``         the loop: wall-clock schedule, workers, checkpoints, log, export
``networks.py``       the student with BatchNorm folded in, SAME padding
``data.py``           faces and augmentation; ``masks.py`` holds what is blended where
``kernels.c``, ``.py``  whole bottlenecks for AVX-512, compiled when first used
``whiten.py``         the last layer, less of the directions in which the student errs
``verification.py``   LFW accuracy and agreement with the teachers
``publish.py``        keeps a run here: weights, facts, log, curve

A run needs PyTorch 2.13 (CPU), onnxruntime, NumPy, OpenCV, gcc and a processor with
``avx512_bf16``::

    T="python -m models.build.train"
    $T.crops faces --packed faces_128.npz faces2_128.npz --out faces.npy
    $T.crops heads --clips DIR --portraits pad_faces.npz --out heads.npy
    $T.crops pairs --images DIR --pairs pairs.txt --out lfw.npz
    $T.teachers --onnx DIR --faces faces.npy --crops lfw.npz --out vectors.npz
    $T.targets --vectors vectors.npz --groups groups.npz --persons faces2_128.npz --out targets.npz
    $T.composites --faces faces.npy --targets targets.npz --heads heads.npy --out more.npy
    $T.teachers --onnx DIR --faces more.npy --crops lfw.npz --known vectors.npz --out vectors2.npz
    $T.targets --vectors vectors2.npz --composites 25600 --groups groups.npz \
        --persons faces2_128.npz --out targets2.npz
    $T.widen --old models/build/train/student.npz --faces more.npy --targets targets2.npz \
        --out start.npz
    OMP_NUM_THREADS=1 $T --faces more.npy --targets targets2.npz --heads heads.npy \
        --crops lfw.npz --out run --until 2026-01-31T18:00 --start start.npz

Run the last command again after a kill: it goes on from ``run/checkpoint.pt``. With ``--restart``
it begins a new cosine from there. SIGTERM saves and stops. LFW is measured, never trained on. To
go on with the student kept as ``student_256.npz`` give that to ``widen``.

What was found
--------------
* ``student.npz`` was trained by an earlier state of this folder (128 numbers, one teacher, who saw
  every view that the student saw): 3,334,016 images, cosine to that teacher 0.911 on LFW.
  ``student.csv`` and the curve are of that training.
* ``student_256.npz`` has two teachers and has seen 948,376 images (215,000 of them with EdgeFace's
  bare targets); the log is of the last 733,376. Its cosine to the targets is 0.865 on faces left
  out and 0.773 on LFW, and still rises with every doubling: it is not at its end. It ships whitened
  (``RIDGE`` picked on groups.npz). In int8, on LFW View 1 test (499 genuine pairs, one
  is 0.2 %; FNMR at FMR 1e-3, 1e-4, 2e-5 of all impostors), and with a cohort, at the thresholds
  that let in 1e-2, 1e-3, 1e-4 of strangers of one group (eight of adults, weighed equally, the half
  of groups.npz that was held out):

  ==========================  ===================  =====================
  .                           LFW's own strangers  strangers of one group
  ==========================  ===================  =====================
  student                     2.4, 4.8, 7.8 %      2.4, 4.2, 5.8 %
  student_256                 2.8, 5.8, 11.4 %     3.0, 7.6, 13.4 %
  the same, whitened          2.8, 6.4, 11.2 %     2.8, 8.4, 16.2 %
  student and dlib            2.2, 4.2, 7.2 %      3.6, 5.8, 12.0 %
  whitened and dlib           2.4, 5.2, 10.2 %     4.4, 13.4, 28.3 %
  whitened and student        1.8, 4.2, 6.6 %      1.4, 3.6, 6.0 %
  ==========================  ===================  =====================

  The two students err on different faces: together they are better than either, and than with
  dlib, almost everywhere. EdgeFace itself, plain: 1.0, 1.4, 1.6 %.
* Views: the faces are tight photos whose rim is repeated to fill the crop, without forehead or
  hair. Agreement with the teacher was 0.84 on them and 0.69 on LFW; faces set into heads with real
  surroundings narrow that gap, and so do other pictures behind the heads, which are of some forty
  people only.
* Veils (glasses, a brim, an arm, a scarf, harsh light, for the student alone, whose vector is held
  to the teacher's of the face bare) cost little on clear pictures (d' 5.42 before, 5.39 after) and
  let more people behind glasses in: turned away at FMR 1e-3 5.6 % instead of 13.4 %, 8.8 % by the
  mean of the weights before and after, which is shipped.
* Better teachers are harder to follow: a last layer fitted by ridge regression to the shipped
  student's features agrees with w600k by 0.77 and with EdgeFace by 0.72 on faces left out, on LFW
  by 0.67 and 0.62.
* Targets of the bare face alone were not enough where the student sees it in another head:
  after 214,000 images, with EdgeFace alone, the cosine on faces left out was 0.80, on LFW 0.69, and
  LFW's FNMR at 1e-3 had risen from 3.2 to 5.0 %. With both teachers and composites, which they
  judged as they were, it fell to 3.6 % in 75,000 images and to 2.4 % in 458,000; the loss by
  others had a quarter of its weight by then, and neither change was tried alone.
* The vector's length is trained to be its cosine to the target: unsure of a face, the student
  says so. Upside-down faces have the target zero: they are nobody's and unlike one another.
* Who is drawn: a face is drawn the more often, the nearer its thirty nearest others are to it in
  the teachers' eyes. That needs no labels and prefers the groups that teachers tell apart least.
* Frozen BatchNorm statistics: the student starts from trained weights; folding them saves two
  passes over every map, makes an image independent of its batch, and what is trained is what is
  quantized.
* The stem and the first three blocks stay as they are: about a third of the way back saved.
* Muon (Jordan 2024) for the 1x1 kernels, AdamW for the rest; not compared with AdamW alone.
* Speed, images a second of one core's time: 21 with autocast, 60 without BatchNorm, 110 with these
  kernels and the teacher beside, about 150 without it and with frozen blocks. PyTorch's own threads
  (``OMP_NUM_THREADS``) must be one: on a busy machine they wait for one another, and fewer than
  20 are left.
"""
