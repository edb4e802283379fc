"""How the numbers are to be read: every term that a page may explain, once."""

from collections.abc import Collection, Iterable

from solidmark.page.sections import Glossary
from solidmark.scores.written import percent

TEXT = """
null: Held-out images, the null
Images of the same kind that the model never saw. What a measure says of those it says without
memory. Without them no number can be judged; if they differ in kind, the measure tells the kinds
apart and nothing about memory.

p_value: p
How often an image of the null looks at least as suspicious: with m of them it is never below 1 in
m + 1. Low = more than chance.

q_value: q
p corrected for looking at many: the false-discovery rate of a list that ends with this one. Of
those with q at most {fdr}, about {percent} or fewer are there by luck.

named: Named
How many have q at most {fdr}, the false-discovery rate chosen for this run, so that one may point
at them one by one.

named_subjects: Subject
All images of one group together: a patient, a person, a place. It has one p: twice the smaller of
that of all its frames as one, and the smallest of its images times their number. Its q is among
subjects.

named_subjects/compared: Subject
All images of one group together: a patient, a person, a place. Chances are those of subjects: each
held-out one weighs one, however many images it has. Its q is among subjects.

eidetic: Within a threshold (eidetic)
How many are at least as suspicious as a threshold. Thresholds of papers were chosen for other data
and do not carry over; the calibrated ones are passed by a known share of the null. High means
memorized; compare it with chance, never with zero.

threshold: Calibrated threshold
The value that the given share of the null passes on this very set.

percentile: Percentile
The 95th percentile of the close side: one image in twenty is closer. It says nothing about how
close those are, so it may stay where it is while copies come or go.

closest: Closest
The one that is closest of all. One picture decides it.

auc: AUC
The chance that an image in question looks more suspicious than one that it is compared with. 0.5
is a coin toss, 1 is perfect separation.

tpr_at_fpr: Detections at a false-alarm rate
The share that is caught when so few of those compared with are wrongly caught. High means
memorized; the false-alarm rate itself is chance.

interval: 95 % interval
The range in which the true value lies in 95 of 100 runs like this one. Fewer images, wider
interval.

chance: Chance
What the same number would be if nothing were memorized: of keys, worked out from those that were
read here; otherwise what it is on the null.

low_content: Low content
A picture, or the hidden half of one, nearly of one colour: its pixels vary by less than 0.1
(standard deviation round the mean of each channel; black and white in halves have 0.5). It is near
to many pictures that it is no copy of, and easy for every model.

key: Key
A grey level between 0 (black) and 1 (white), or several, drawn at random for each image and
painted on it as a mark before training. It says nothing about the image, so a model can only know
it by having memorized this very image.

held_out: Held-out
The control: images with keys of their own that the model never saw. Everything about them must be
at chance. When it is not, the run is faulty.

ceiling: Reference
The same images and reader, asked of an ideal model that has memorized all of them. A reader that
is blind here sees nothing elsewhere. No upper bound: a trained network may be read better or worse.

distance/key: Distance
The mean absolute difference of the key read and the true key, in grey levels from 0 to 1. Low
means memorized.

eidetic/key: Within delta (eidetic)
The share of images whose key is read within a distance of delta. High means memorized; compare it
with chance, never with zero.

peers: Peers
The images among which an image’s key is exchanged to test it: those of its size, class and caption,
or of its size and class, or of its size, or all. A model may know what peers have in common, such
as their average frame, and that must not pass for knowing one of them.

p_value/key: p
How often a key handed out at random among its peers would be read as well as the true one. Low
means memorized. One image in a hundred has p below 0.01 by luck.

exposure_bits: Exposure
The same as p in bits: 10 bits are ten coin tosses guessed in a row. High means memorized.

share: Memorized share
The share of the images that is memorized, estimated from all p-values together, whoever can be
named. The lower end of its interval holds whatever memory looks like.

correlation: Correlation
How closely the keys read follow the true keys within groups of peers, from −1 to 1. 0 is chance.

permutation_z: Permutation z
All images tested together: how much nearer the readings lie to the own keys than to keys exchanged
among peers, in standard deviations. It sees weak memory that no count within delta shows. Its p is
never below 0.0001.

averages: Averages known
In how many groups of peers the model knows the average key. It says nothing of a single image.

epsilon: Epsilon at least
How much privacy the training lost, at least, in nats, as differential privacy counts it, where the
keys of one image are replaced by others. A lower bound at 95 %: 0 proves nothing. Where an epsilon
is claimed, its p says how often a training that keeps it shows as much.

smallest_share: Smallest share
The smallest share of memorized images that this run would have seen, four times in five. A run
that sees nothing says nothing about shares below it.

own_key: Own key
Its place among the keys of all images by how near they lie to what was read; 1 is the nearest. By
luck each place is equally likely. Images that share a key count once.

energy_path: Energy by step
How much of the image the model takes for noise, as the frame slides from neutral grey to the keys
read, on a log scale. What falls further than held-out images do is better known in its frame; what
does not may be known all the same, by its keys.

round_trip: Grey round trip
What comes back of a frame that only goes through the autoencoder of a latent model: how far greys
are off on average (bias), how much one grey varies (spread), and the mean error left once the bias
is taken out (floor). Low is good.

membership: Trained on is not memorized
A signal may tell that an image was trained on although no generation will ever show it. Reported
successes of such attacks vanish on splits that are alike.

direction: Direction
Which side means memorized, as it was found for other models and data. An area clearly below 0.5
says that it does not hold here.

shared: Counted once
Images of equal pixels are one picture; for a signal of prompts, images of one prompt are one
prompt. A held-out image that was trained on after all, or has a prompt that was, is left out.

spearman: Rank correlation
Whether two signals order the trained images alike: 1 = the same order, 0 = nothing to do with each
other, −1 = the opposite. They may agree on what is plain or busy instead of on what is memorized.

distance/nearest: Distance, similarity
How far an image is from its nearest on the other side (low = close), or how alike an embedder finds
the two, from −1 to 1 (high = close); the distance is 1 less that.

augmented: Recognised
The share of changed copies of training images whose nearest is their original, closer than fresh
images come. What a measure misses here it misses among generations too.

search_recall: Recall of the search
Among a million vectors and more an embedder's search looks at few of them: distances are exact, but
what is near may be missed. Its recall is measured here: how often what it finds is as near as what
the exact search finds, and which share of changed copies just within the threshold it finds. Where
the interval reaches below 95 %, nothing is said not to be there.

authpct: AuthPct
The share of generations that are further from their nearest training image than that one is from
its own nearest. High = authentic; low speaks of copying.

ct: C_T
Whether generations are nearer to training images than held-out images are, in standard deviations.
Clearly below 0 speaks of copying, above 0 of a model that fits poorly.

mifid: MiFID
The Fréchet distance between generations and data, made worse where generations lie too near to
training images. Low is good.

inpainting: Inpainting
Half of an image is hidden, and the model draws it, many times. A model that knows the image by
heart knows how it goes on; another one can only continue it plausibly.

distance/half: Distance
The root mean square difference between the truth and the drawing over the hidden half, in [0, 1].
Low = close. The frames are not scored.

reproduced: Reproduced
The search found noise from which the model draws this image again and again: the image, or what
looks the same to this similarity, is stored in the model. That says neither that the model draws
it by itself or for a caption, nor anything at all where held-out images are reproduced as often.

spent: Budget spent
The search ended without reproducing the image. That is no proof: a longer search, or another
start, may find it.

not_tried: Not tried
The budget of the run was used up before. Nothing is known of such an image.

kl: KL
How far the noise that was found lies from ordinary noise: the Kullback-Leibler divergence from the
standard normal, in nats per dimension, at the first check at which the image was reproduced. Low =
memorized; 0 is ordinary noise, so that the model would draw the image unasked. Without a
reproduction it says only how far the search had gone.

similarity/samples: Similarity, least alike
How alike the image and a sample are, at most 1; high = alike. Of the samples of a check the
smallest counts. A cheap check stops at the first that is not alike, so that its similarity is the
most that can have been.

score: Score
One number to rank all images by, from 0 to 2; low = memorized. Below 1: reproduced, KL / (1 + KL).
From 1 on: not reproduced, 1 + (1 - best similarity) / 2.

path: Path of the search
Four lines, a point a check, all cards on one scale. Loss: how far what the model makes of the noise
lies from the image, low = close. Weight: how strongly the search is held at ordinary noise; it is
halved whenever the loss stops falling. KL. Similarity of the least alike sample; dashed is what is
needed.

restarts: Restarts
The search again from another seed. The KL of an image is the median of its restarts, and it counts
as reproduced when most of them reproduce it; the interval is the lowest and the highest.

network_calls: Network calls
How often the network was evaluated: the cost. A step costs a forward and a backward pass for each
of its noise samples; a backward pass counts as 1.3 calls.

rank_correlation: Rank correlation
Whether the order of the trained images goes with something else that is known of them: 1 = the
same order, 0 = nothing to do with each other (chance).

feature: Feature
What a generation may show: a training picture with its copies, a class, or a phrase of the user's
file. It shows it when its nearest training picture belongs to it and is close enough. A finding is
a feature that a prompt shows at least once, or names.

entity: Entity
A word or phrase of a prompt that may bring a picture: it is taken out, and the rest is asked for
again. Words of grammar, and those of most captions, are none.

frequency: Bars
The share of generations that show the feature, with its 95 % interval (Clopper-Pearson): under this
prompt; without one entity, where low = this entity brings it; under prompts about other things,
which is what comes anyhow.

likeness: Likeness
How alike a generation and its nearest training picture look; high = alike, 1 = equal. The threshold
is calibrated on pairs of different training pictures.

p_value/prompt: p
How often luck alone would do as much: more under the prompt than under unrelated prompts, or than
without the entity (Fisher, one-sided). Low = more than luck.

recurs_p: p of coming back
Of a single training picture: how often so many generations of this prompt and of all unrelated ones
together would show it, if it came in half of the frequent share of them at most. Low = it comes
back, whatever is asked.

expected: Expected, not expected
What the user's file (--expected) says of a feature. It has the last word on whether a memorized
feature is intended; the type stays as it was found.

papers: What is the paper's, and what is ours
The three types, and that they are told apart by what a user expects of a prompt: Naseh, Roh and
Houmansadr, 2023. The paper gives examples, no numbers. All numbers are ours: how many generations,
every threshold, p and q, the type "not memorized", and the rule that decides between the types.

largest_clique: Clique
Generations of one prompt of which every two are closer than the threshold; the largest of each
prompt is looked at. High = the same picture comes back.

suspicious: Suspicious
With a clique of at least as many members as were asked for (10 of 500 in Carlini et al., 2023).
These are candidates: whether the picture is a training image, only the training set can say.

mean_distance: Mean distance
Of all pairs inside the clique; low = the same picture. Suspicious prompts are ranked by it.

threshold/clique: Threshold
Within this distance two generations are joined. It carries over to no other size or kind of image.

chance/clique: Chance
The largest clique among as many generations of different prompts, on average over draws. A low bar:
pictures of one subject are alike without any memory.

p_value/clique: p
The share of those draws with a clique as large, the prompt itself counted in; low = the generations
are closer than those of different prompts.

group: Group
Images that are copies of one another, directly or by way of others. The one that is kept is the
largest, then that of the smallest id.

distance/copies: Distance
The root mean square difference to the kept image, of thumbnails of 16 x 16 grey levels, in [0, 1];
low = close. Near copies are below 0.024.

similarity/copies: Similarity
The dot product of the embedder's vectors, in [-1, 1]; high = close. In a group it is to the kept
image, in the table to the nearest other image.

chained: Chained
Tied to the kept image by way of others only, and less similar to it than the threshold: not a copy
of it for sure.
"""
"""A paragraph a term: its anchor, its name, its meaning. What stands after a slash tells terms of
one anchor apart, of which a page has one; `{fdr}` and `{percent}` are those of the run."""

WHERE_USED = frozenset(
    (
        *("eidetic", "threshold", "percentile", "closest", "auc", "tpr_at_fpr", "averages"),
        *("augmented", "authpct", "ct", "mifid", "spearman", "named_subjects"),
        "search_recall",
    )
)
"""Those that are explained only where the run has such figures."""

USUAL = (
    *("p_value", "q_value", "named", "named_subjects/compared"),
    *("eidetic", "threshold", "percentile", "closest", "auc"),
    *("tpr_at_fpr", "interval", "chance"),
)
"""What pages of comparisons explain beside their own terms."""


def glossary(
    keys: Iterable[str],
    used: Collection[str],
    fdr: float = 0.05,
    more: Iterable[tuple[str, str, str]] = (),
) -> Glossary:
    """The section on how to read the numbers, folded.

    Arguments:
        keys: The terms.
        used: The statistics of the run.
        fdr: The false-discovery rate at which images are named.
        more: Other terms, before these: anchor, name, meaning.
    """
    terms = {}
    for paragraph in TEXT.strip().split("\n\n"):
        head, meaning = paragraph.split("\n", 1)
        key, name = head.split(": ", 1)
        said = meaning.replace("\n", " ").format(fdr=f"{fdr:g}", percent=percent(fdr))
        terms[key] = (key.split("/")[0], name, said)
    shown = [terms[key] for key in keys]
    words = (*more, *(one for one in shown if one[0] not in WHERE_USED or one[0] in used))
    title = "How to read the numbers"
    return Glossary("reading", title, folded=True, link="How to read", words=words)
