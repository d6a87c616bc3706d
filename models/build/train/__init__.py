r"""Training of our MobileFaceNet by distillation: ``python -m models.build.train --help``.

What is here
------------
``config.toml``       every number of a run; the seed is in it
``__main__.py``       command line
``crops.py``          aligned heads, aligned LFW pairs by the product's own aligner
``scripted.py``       both teachers as one file that needs PyTorch alone
``teachers.py``       asks them: of every face once, and of every composed face as it is made
``targets.py``        both teachers' vectors as 256 numbers, and who is left out of the training
``pack.py``           what a run needs of the data, in one file that can be carried to a GPU
``compose.py``        faces that nobody has, for teachers and student alike
``views.py``          how the student sees them: as the teachers do, and on a bad day
``damage.py``         light, lens, sensor and JPEG; ``draws.py`` random fields and placements;
                      ``masks.py`` what is blended where
``networks.py``       the student; ``widen.py`` puts an older one's blocks where they belong in it
``distil.py``         a step, the schedule by the clock, how good the student is
``verification.py``   LFW accuracy
``publish.py``        keeps a run here: weights, facts, log, curve

A run needs PyTorch 2.11 or later, NumPy and OpenCV, and runs on a GPU where there is one; before it
``scripted`` needs timm and onnx, ``crops`` the product::

    T="python -m models.build.train"
    $T.crops heads --clips DIR --portraits pad_faces.npz --out heads.npy
    $T.crops pairs --images DIR --pairs pairs.txt --out lfw.npz
    $T.scripted --loader teacher2/load.py --out teachers.ts
    $T.teachers --script teachers.ts --packed faces_128.npz faces2_128.npz --out vectors.npz
    $T.targets --vectors vectors.npz --groups groups.npz --persons faces2_128.npz --out targets.npz
    $T.pack --packed faces_128.npz faces2_128.npz --targets targets.npz --heads heads.npy \
        --crops lfw.npz --out lessons.npz
    $T --lessons lessons.npz --teachers teachers.ts --out run --seconds 380
    $T.publish run
    python -m models.build.mobilefacenet run/student.npz run/student.json models/build/student_256

It begins with the student kept as ``student_256.npz``; an older one's weights are taken over where
it has the blocks. So this one began with the ``student_256.npz`` that git has before it. The
averaged weights are exported every minute. LFW is measured, never trained on.

What was found
--------------
* The student of 128 numbers (``models/build/student``) was trained by an earlier state of this
  folder (one teacher, who saw every view that the student saw): 3,334,016 images, cosine to that
  teacher 0.911 on LFW. ``student.csv`` and the curve are of that training.
* ``student_256.npz`` learnt from two teachers in two ways. On two processor cores, 948,376 views of
  36,758 faces and 25,600 composites, whose vectors had been computed once: the cosine to the
  targets stood at 0.865 on faces left out and at 0.773 on LFW for its last 400,000 views, so the
  faces were what lacked. Then, with eleven blocks more, 1,282,560 views of 641,280 faces composed
  as they were asked about, 380 s on one H100 (``student_256.csv``): 0.889 and 0.818, and still
  rising. w600k's last map, read off the student's by a 1x1 convolution that is thrown away, was
  taught as well; neither was tried alone. In int8, on LFW View 1 test (499 genuine pairs, one is
  0.2 %; FNMR at FMR 1e-3, 1e-4, 2e-5 of all impostors), and with a cohort, at the thresholds that
  let in 1e-2, 1e-3, 1e-4 of strangers of one group (eight of adults, weighed equally, the half of
  groups.npz that was held out), and of 10,492 pairs of the 38 actors left out, at 1e-3, 1e-4 and
  2e-5 of their impostors:

  ==========================  =================  ======================  ==================
  .                           LFW's strangers    strangers of one group  actors
  ==========================  =================  ======================  ==================
  student                     2.4, 4.8, 7.8 %    2.4, 4.2, 5.8 %         30.9, 50.6, 65.4 %
  student_256 before          2.8, 6.4, 11.2 %   2.8, 8.4, 16.2 %        31.3, 51.8, 64.1 %
  student_256, one look       2.0, 4.4, 8.8 %    2.0, 5.4, 12.4 %        29.5, 47.5, 58.4 %
  the same, mirrored as well  2.2, 4.2, 8.6 %    2.2, 4.6, 10.8 %        28.3, 48.1, 58.7 %
  student, student_256        1.8, 4.2, 6.6 %    1.4, 3.6, 6.0 %         26.1, 44.8, 58.6 %
  before
  student, one look of        1.8, 3.4, 6.2 %    1.6, 3.4, 4.6 %         26.1, 46.3, 54.3 %
  student_256
  EdgeFace alone              1.0, 1.4, 1.6 %    .                       14.8, 27.2, 33.2 %
  both teachers               1.0, 1.2, 1.4 %    .                       12.0, 22.7, 29.8 %
  ==========================  =================  ======================  ==================

  The two students err on different faces: together they are better than either. A second look, at
  the mirror image, costs as much as the first and gains next to nothing: the student is taught what
  both looks of its teachers say. Whitening the last layer, which helped before, no longer does.
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
* Muon (Jordan 2024) for the 1x1 kernels, AdamW for the rest; not compared with AdamW alone.
* Statistics held still for 800,000 views are no longer those of the maps: BatchNorm that normalises
  again would have changed every word (cosine 0.37). `widen.renormalise` measures them first and
  changes scale and offset so that the network says what it said.
* Speed on the H100, views a second: 3,400 with maps channels-last and 2,100 otherwise; of a step of
  227 ms the student takes 100, the teachers 54, Muon some 45, the pictures 28. cuDNN's own search
  for the quickest kernels took longer than it saved; EdgeFace overflows in float16.
"""
