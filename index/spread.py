"""How far apart an embedder's cosines lie: the unit that a bonus on them has to be measured in.

Some embedders give unlike passages a cosine of .8, others of .1. What is added to a cosine weighs
alike in both only as a share of how much cosines differ.
"""

import numpy as np

from index.types import Embedder

UNLIKE = (
    "The ferry to the island leaves twice a day and takes about forty minutes.",
    "Whales sing at frequencies so low that they can be heard an ocean away.",
    "The court dismissed the appeal because it had been filed too late.",
    "Knead the dough for ten minutes, then let it rise under a damp cloth.",
    "Her second novel was translated into eleven languages within a year.",
    "The bridge was closed to lorries after cracks were found in two pillars.",
    "Iron rusts faster in salt water than in fresh water.",
    "Parliament adopted the budget with a majority of three votes.",
    "The goalkeeper saved two penalties and was named player of the match.",
    "Farmers in the valley grow olives, figs and a little barley.",
    "A vaccine is tested on volunteers before it is given to the public.",
    "The monastery was founded in the twelfth century and burnt down twice.",
    "Interest rates were raised for the third time since the spring.",
    "The orchestra opened the evening with a short piece for strings.",
    "Press the button for five seconds until the light begins to blink.",
    "Nomads crossed the desert with salt and came back with gold.",
    "The comet will be seen low in the west, shortly after sunset.",
    "Children under six travel free when an adult goes with them.",
    "The treaty obliged both kingdoms to give back their prisoners.",
    "Bees tell each other by a dance where the flowers are.",
    "The mine employed four hundred men until the price of copper fell.",
    "A triangle with two equal sides has two equal angles.",
    "The painter mixed his own colours from earth, soot and egg.",
    "Heavy rain is expected in the north, with gusts along the coast.",
)
"""Short passages about things that have nothing to do with each other."""


def spread(embedder: Embedder) -> float:
    """The standard deviation of the cosines of unlike passages: above 0, in practice below .3."""
    vectors = embedder.embed_passages(UNLIKE)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(UNLIKE), 1)]
    return max(float(cosines.std()), 1e-6)
