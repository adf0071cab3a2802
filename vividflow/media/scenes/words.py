"""The words of a prompt that choose a landscape, a time of day and a weather. Plurals in s need no row of their own."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KINDS = {
    "mountains": _words(
        "mountain alps alpine peak summit valley cliff hill hiker hiking climber eagle hawk dragon castle volcano canyon "
        "knight highland lake waterfall balloon"
    ),
    "ocean": _words(
        "ocean sea wave beach surf surfer surfing coast shore island sail sailing sailboat ship boat whale dolphin shark "
        "fish underwater water harbor harbour lighthouse pirate tropical mermaid turtle seagull lagoon pier tide"
    ),
    "forest": _words(
        "forest wood woods woodland jungle tree pine redwood deer fox wolf wolves bear owl squirrel cabin camp camping "
        "campfire moss fern fairy elf elves bamboo leaf leaves autumn mushroom"
    ),
    "city": _words(
        "city cities street skyline neon building town urban downtown skyscraper rooftop traffic car taxi train subway bus "
        "robot cyberpunk office apartment bridge tokyo york paris london shanghai dancer crowd bar cafe restaurant"
    ),
    "desert": _words(
        "desert dune sand sandy camel cactus cacti oasis mars sahara pyramid cowboy western caravan scorpion savanna lion "
        "elephant giraffe"
    ),
    "snow": _words(
        "snow snowy winter ice icy glacier arctic antarctic polar frost frozen ski skier skiing snowboard penguin christmas "
        "blizzard husky sled reindeer iceberg"
    ),
    "meadow": _words(
        "meadow field flower grass garden spring summer farm farmer horse cow sheep dog puppy cat kitten butterfly "
        "butterflies bee picnic countryside village barn sunflower tulip rabbit bunny child children girl boy park lawn"
    ),
    "space": _words(
        "space galaxy galaxies planet astronaut rocket nebula cosmos cosmic comet asteroid orbit spaceship starship alien "
        "saturn jupiter universe lunar interstellar satellite ufo"
    ),
}

TIMES = {
    "day": _words("day daylight noon midday sunny bright afternoon sunlight sunlit"),
    "sunset": _words("sunset dusk evening golden twilight sundown campfire volcano"),
    "dawn": _words("dawn sunrise morning daybreak early mist misty fog foggy pastel"),
    "night": _words(
        "night midnight moon moonlight moonlit star starry stars dark neon aurora nocturnal lantern firefly"
    ),
}

WEATHERS = {
    "snow": _words("snow snowing snowfall snowflake snowstorm blizzard christmas"),
    "rain": _words("rain raining rainy rainfall storm stormy thunder thunderstorm drizzle monsoon"),
    "fireflies": _words("firefly fireflies magic magical enchanted fairy lantern spark ember embers glow glowing"),
}
