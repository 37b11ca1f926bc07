"""Words that people write in prompts, from which generated.py makes pairs."""

from __future__ import annotations


def _listed(text: str) -> list[str]:
    return text.split(", ")


SUBJECTS = _listed(
    "cat, dog, hippopotamus, fox, owl, dragon, astronaut, knight, fisherman, ballerina, robot, samurai, wizard, "
    "horse, whale, violinist, old woman, young man, butterfly, caterpillar, lighthouse, windmill, skyscraper, "
    "T-Rex, bicycle"
)
LOOKS = _listed(
    "red, blue, golden, tiny, gigantic, wooden, rusty, transparent, well-worn, striped, elegant, half-finished, "
    "iridescent, fluffy, abandoned, hand-painted, moss-covered, smiling, bioluminescent, monochrome"
)
PLACES = _listed(
    "kitchen, forest, desert, library, greenhouse, harbour, subway station, cathedral, supermarket, swimming pool, "
    "meadow, canyon, workshop, rooftop, spaceship, courtyard, café, grandmother's attic, jungle, vineyard"
)
DEEDS = _listed(
    "sits, sleeps, dances, waits, looks around, plays chess, reads a newspaper, drinks tea, hides, sings, doesn't "
    "move, floats, paints, falls, cooks, writes letters"
)
TAGS = _listed(
    "masterpiece, best quality, 1girl, 1boy, solo, long hair, short hair, blue eyes, green eyes, smile, frown, school "
    "uniform, armor, white dress, looking at viewer, outdoors, indoors, night, sunset, rain, snow, 8k, highly "
    "detailed, bokeh, film grain, 85mm, f/1.8, volumetric light, trending on artstation, by Greg Rutkowski, "
    "blonde_hair, from below, cyberpunk, watercolor, oil painting, pixel art, cherry blossoms, neon lights, score_9, "
    "4k, close-up, wide shot, depth of field, octane render, cinematic lighting, no humans, sharp focus, ink wash, "
    "art nouveau"
)
EMOJI = _listed("🐱, 🐶, 🦊, 🌵, 🌴, 🔥, ✨, 🍕, 🍜, 🚀, ☔, 💀, 🎻, 👍🏽, 🇩🇪, 🇯🇵, 👩‍🚀, 👨‍👩‍👧, ❤️, 🏳️‍🌈, ♪, ★, 🪐, 🧙‍♂️")
LANGUAGES: tuple[tuple[str, str, str], ...] = (
    (
        "ein {0} auf {1}",
        "Hund, Bär, Löwe, Mädchen, Schlüssel, Äffchen",
        "dem Tisch, der Straße, einer Brücke, dem Mond",
    ),
    (
        "{0} dans {1}, peinture à l'huile",
        "un chat, une fée, l'évêque, un œuf",
        "la forêt, l'église, un château, la neige",
    ),
    ("{0} en {1}, luz suave", "un niño, una cigüeña, el pingüino, la señora", "la montaña, el jardín, una habitación"),
    ("{0} in {1} al tramonto", "un cavallo, una contadina, il pescatore", "un prato, una città deserta, piazza"),
    (
        "{0} numa {1}, muito detalhado",
        "um leão, uma maçã, o avô, um violão",
        "praia, estação, canção, rua de São Paulo",
    ),
    ("{0} śpi na {1}, jesień", "kot, żółw, źrebak, dziewczynka, łoś", "łące, parapecie, dachu, gałęzi"),
    ("{0} bir {1}, akşam ışığı", "kırmızı, küçük, güzel, eski, yeşil", "araba, çiçek, köprü, gemi, ağaç"),
    ("{0} сидит на {1}, картина маслом", "кот, медведь, рыбак, девочка, журавль", "крыше, берегу, ковре, скамейке"),
    ("{0} біля {1}, ранок", "їжак, лелека, козак, дівчина", "річки, церкви, лісу, ґанку"),
    ("{0} στο {1}, ηλιοβασίλεμα", "γάτα, σκύλος, ψαράς, άλογο", "παράθυρο, λιμάνι, βουνό, χωριό"),
    ("一只{0}在{1}，水墨画", "猫, 狗, 仙鹤, 老虎, 蝴蝶", "河边, 城堡, 雪山, 竹林, 桥上"),
    ("{0}が{1}で眠っている、逆光", "猫, 犬, 少女, ロボット, 侍", "海辺, 図書館, 森, 桜の木の下"),
    ("{0} 위의 {1}, 노을", "지붕, 바위, 책상, 다리", "고양이, 강아지, 소녀, 호랑이"),
    ("{0} في {1} عند الغروب", "قطة, حصان, صياد, طفل", "الصحراء, الغابة, المدينة, السوق"),
    ("{0} על {1}, אור רך", "חתול, כלב, ילדה, סוס", "השולחן, הגג, החוף, הגשר"),
    ("{0} {1} में, सुबह", "बिल्ली, घोड़ा, लड़की, मोर", "जंगल, बाज़ार, नदी, महल"),
    ("{0}ใน{1} แสงอ่อน", "แมว, หมา, ช้าง, เด็กผู้หญิง", "ป่า, ตลาด, วัด, ทะเล"),
    ("{0} trên {1}, ánh sáng ban mai", "con mèo, con trâu, cô gái, ông lão", "ghế, cánh đồng, mái nhà, cầu"),
)
