"""Train the texture vote: `python -m models.build.texture.train --data FOLDER`.

The faces come from few places, and many from one film: whoever splits them at random measures how
well a place is remembered. So whole sources are held out, one after the other; what is kept has
seen them all. `--evaluate` measures and keeps nothing.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.config import Config, parse
from edge.evaluate.intervals import Share
from edge.evaluate.liveness import LivenessReport, evaluate_liveness
from models.build import convert, hashes, images, pixels
from models.build.texture import data
from models.build.texture.data import Crops, Floats, Names
from models.build.texture.network import SIZE, WEIGHTS, network_of

PULL = 0.01  # of the weights towards 0
STEPS = 30  # of Newton's method; it is done after ten
PHOTOGRAPHS = 0.5  # share of what is known of real faces
WORKING_POINT = 0.95  # share of the real faces below it
POINTS = np.linspace(0.005, 0.995, 200)  # a source of many faces counts no more than one of few
IN_CLIPS = ("Apfol", "WOLF-huo", "tranvanluyt2203")
"""Sources whose films are among the clips as well."""

Doubles = NDArray[np.float64]
Which = NDArray[np.bool_]


class Vote:
    """One linear function: logistic regression on standardised cues."""

    def __init__(self, faces: Floats, attack: Which, counts: Doubles) -> None:
        """Fit; `counts` says how much each face counts, 1 in all."""
        self._mean = counts @ faces
        self._spread = np.sqrt(counts @ (faces - self._mean) ** 2) + 1e-6
        x = np.column_stack([(faces - self._mean) / self._spread, np.ones(len(faces))])
        pull = np.append(np.full(faces.shape[1], 2 * PULL), 0.0)
        self._weights = np.zeros(x.shape[1])
        for _ in range(STEPS):
            likely = 1 / (1 + np.exp(-x @ self._weights))
            slope = x.T @ (counts * (likely - attack)) + pull * self._weights
            bend = (x * (counts * likely * (1 - likely))[:, None]).T @ x + np.diag(pull)
            self._weights -= np.linalg.solve(bend, slope)

    def __call__(self, faces: Floats) -> Doubles:
        """Log-odds of an attack."""
        return (faces - self._mean) / self._spread @ self._weights[:-1] + self._weights[-1]

    def kept(self, working_point: float) -> tuple[Floats, float]:
        """Weights on the cues themselves, and the bias that puts the working point at 0."""
        weights = self._weights[:-1] / self._spread
        bias = self._weights[-1] - self._mean @ weights - working_point
        return weights.astype(np.float32), float(bias)


def fit(crops: Crops, photographs: Floats, held: Which) -> Vote:
    """Learn from all crops but those that are held out, and from photographs of real people."""
    learnt = ~held
    counts = np.zeros(len(learnt))
    for person in np.unique(crops.person[learnt]):
        for attack in (False, True):
            chosen = learnt & (crops.person == person) & (crops.attack == attack)
            counts[chosen] = 1 / chosen.sum()
    counts[crops.attack] *= 0.5 / counts[crops.attack].sum()
    counts[~crops.attack] *= 0.5 * (1 - PHOTOGRAPHS) / counts[~crops.attack].sum()
    others = np.full(len(photographs), 0.5 * PHOTOGRAPHS / len(photographs))
    return Vote(
        np.concatenate([crops.cues[learnt], photographs]),
        np.concatenate([crops.attack[learnt], np.zeros(len(photographs), bool)]),
        np.concatenate([counts[learnt], others]),
    )


def held_out(crops: Crops, photographs: Floats, groups: Names) -> Doubles:
    """Every crop's log-odds by a vote that has seen nothing of its group."""
    scores = np.zeros(len(groups))
    for group in np.unique(groups):
        held = groups == group
        scores[held] = fit(crops, photographs, held)(crops.cues[held])
    return scores


def working_point(crops: Crops, scores: Doubles, without: str = "") -> float:
    """Log-odds that 5 % of the real faces exceed, over all sources alike but one."""
    sources = [source for source in np.unique(crops.source) if source != without]
    real = [scores[(crops.source == source) & ~crops.attack] for source in sources]
    return float(np.quantile([np.quantile(one, POINTS) for one in real], WORKING_POINT))


def area(scores: Doubles, attack: Which) -> float:
    """Area under the ROC curve."""
    ranks = np.argsort(np.argsort(scores)) + 1
    hits, others = int(attack.sum()), int((~attack).sum())
    return float((ranks[attack].sum() - hits * (hits + 1) / 2) / (hits * others))


def _text(share: Share) -> str:
    interval = f"{share.low:.1%} to {share.high:.1%}"
    return f"{share.value or 0:.1%} ({interval}; {share.hits} of {share.count})"


def _errors(votes: Doubles, attack: Which) -> tuple[Share, Share]:
    """BPCER and APCER."""
    real, attacks = votes[~attack] > 0, votes[attack] <= 0
    return Share(int(real.sum()), len(real)), Share(int(attacks.sum()), len(attacks))


def report(crops: Crops, scores: Doubles, groups: str) -> None:
    """Print what held-out crops say; each source by the working point of the others."""
    votes = scores.copy()
    for source in np.unique(crops.source):
        votes[crops.source == source] -= working_point(crops, scores, source)
    print(f"\neach {groups} held out; intervals take crops of one film for independent")
    rates = []
    for source in np.unique(crops.source):
        of = crops.source == source
        errors = _errors(votes[of], crops.attack[of])
        rates.append([share.value or 0.0 for share in errors])
        texts = ", APCER ".join(_text(share) for share in errors)
        print(f"  {source}: BPCER {texts}, AUC {area(votes[of], crops.attack[of]):.3f}")
    bpcer, apcer = np.mean(rates, axis=0)
    print(f"  mean of the sources: BPCER {bpcer:.1%}, APCER {apcer:.1%}")
    errors = _errors(votes, crops.attack)
    print("  all crops: BPCER {}, APCER {}".format(*map(_text, errors)))
    print(f"  all crops: AUC {area(scores, crops.attack):.3f}")
    series = [(person, attack) for person in np.unique(crops.person) for attack in (False, True)]
    means = [votes[(crops.person == p) & (crops.attack == a)].mean() for p, a in series]
    errors = _errors(np.array(means), np.array([attack for _, attack in series]))
    print("  a person's crops averaged: BPCER {}, APCER {}".format(*map(_text, errors)))


def watch_clips(folder: Path, weights: Floats, bias: float) -> tuple[LivenessReport, ...]:
    """Show the clips to the product, without and with these weights."""
    with tempfile.TemporaryDirectory() as made:
        models = Path(made) / "models"
        shutil.copytree(hashes.MODELS, models, ignore=shutil.ignore_patterns("build"))
        file = pixels.eaten(convert.float16(network_of(weights, bias), (1, SIZE, SIZE)), 255)
        (models / "texture_float16.tflite").write_bytes(file)
        hashes.write(models)
        configs: list[Config] = [
            parse({"paths": {"models": str(models)}, "liveness": {"texture": on}}, "clips")
            for on in (False, True)
        ]
        return tuple(evaluate_liveness(folder / "clips" / "clips.csv", one) for one in configs)


def report_clips(folder: Path, crops: Crops, photographs: Floats, scores: Doubles) -> None:
    """Print what the vote changes on the clips when it has seen none of their sources."""
    vote = fit(crops, photographs, np.isin(crops.source, IN_CLIPS))
    reports = watch_clips(folder, *vote.kept(working_point(crops, scores)))
    print(f"\nclips, {', '.join(IN_CLIPS)} held out")
    for name, found in zip(("without", "with"), reports, strict=True):
        print(f"  {name} the vote: people with a blink refused {_text(found.rates.bpcer)}")
        print(f"    median time to live {found.rates.live_s.value or 0:.1f} s")
        for row in found.rows:
            stopped = row.live_after_s is None
            if row.kind == "attack" or (stopped and row.labelled_blinks):
                result = "stopped" if stopped else "taken for alive"
                print(f"    {row.file}, {row.species or row.kind}: {result} ({row.seen})")


def main() -> None:
    """Measure on held-out sources and people, then train on all and keep the weights."""
    parser = argparse.ArgumentParser(prog="python -m models.build.texture.train")
    parser.add_argument("--data", type=Path, default=images.DATA, help="the data folder")
    parser.add_argument("--evaluate", action="store_true", help="keep nothing; also run the clips")
    given = parser.parse_args()
    crops, photographs = data.crops(given.data), data.photographs(given.data)
    scores = held_out(crops, photographs, crops.source)
    vote, point = fit(crops, photographs, np.zeros(len(scores), bool)), working_point(crops, scores)
    if not given.evaluate:
        weights, bias = vote.kept(point)
        np.savez_compressed(WEIGHTS, weights=weights, bias=np.float32(bias))
    report(crops, scores, "source")
    report(crops, held_out(crops, photographs, crops.person), "person")
    strangers = vote(data.strangers(given.data)) - point
    refused = Share(int((strangers > 0).sum()), len(strangers))
    print(f"\nLFW, single pictures, nothing of it learnt: BPCER {_text(refused)}")
    if given.evaluate:
        report_clips(given.data, crops, photographs, scores)


if __name__ == "__main__":
    main()
