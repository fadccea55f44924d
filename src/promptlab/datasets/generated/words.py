"""Everyday words and given names for the generated data sets."""

from __future__ import annotations

_WORDS = """
anchor apple arrow autumn badge bamboo barrel basket beacon blanket blossom bottle branch breeze bridge
bronze bucket button cabin camel candle canvas carpet castle cedar cherry circle cliff clover cobalt comet
copper coral cotton cradle crater cricket crystal curtain daisy desert dragon drum eagle echo ember engine
falcon feather fiddle flame forest fossil fountain frost galaxy garden ginger glacier globe granite guitar
hammer harbor harvest hazel helmet honey horizon island ivory jacket jasmine jungle kettle kitten ladder
lagoon lantern lemon library lizard magnet maple marble meadow melon mirror monkey morning mountain needle
nickel notebook oasis ocean olive onion orchard otter oyster paddle palace paper parrot pebble pencil
pepper pillow planet pocket pony potato prairie pumpkin puzzle quarry quilt rabbit radio rainbow raven
ribbon river rocket saddle salmon sandal satin shadow shelf silver sparrow spider spiral spring squirrel
statue stream summit sunset sweater table temple thunder ticket tiger timber trumpet tulip tunnel turtle
umbrella valley velvet village violin walnut water whistle willow window winter wizard yacht zebra zipper
"""

_NAMES = """
Ada Adel Aisha Akira Alba Amir Anders Anita Anton Arjun Astrid Bao Beatriz Boris Bruno Camila Carlos Celia
Chen Chloe Dalia Daniel Daria Diego Dmitri Elena Elif Emeka Emil Esther Farah Felix Fiona Gabriel Greta
Hana Haruto Hassan Helga Hugo Ines Ingrid Isaac Ivan Jamal Jia Jonas Julia Kamala Karim Kenji Kofi Lars
Leila Lin Lucia Luka Mara Marcus Mateo Mei Mina Mohan Nadia Naomi Nikolai Nina Noor Olga Omar Oscar Paula
Pedro Petra Priya Quentin Rania Ravi Rosa Ruben Sakura Samir Selma Sofia Sven Tariq Thea Tomas Uma Vera
Viktor Wanda Wei Xin Yara Yusuf Zane Zofia
"""

WORDS: tuple[str, ...] = tuple(_WORDS.split())
NAMES: tuple[str, ...] = tuple(_NAMES.split())
