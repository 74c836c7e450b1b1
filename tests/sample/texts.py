"""The words of the sample library: invented titles, names, subjects and headlines."""

from __future__ import annotations

Photograph = tuple[str, str, str, tuple[str, ...], str, dict[str, list[str]]]

STRAND = ("Strand, Amalie", "Strand, Jens")
BOATS = {"en": ["Boats", "Fishing"], "de": ["Boote"], "fr": ["Bateaux"]}
TOWN = {"en": ["Harbours", "Buildings"], "de": ["Häfen"], "ar": ["موانئ"]}
SEA = {"en": ["Weather", "Sea"], "fr": ["Mer"], "ja": ["海"]}
PHOTOGRAPHS: list[Photograph] = [
    ("Herring boats leaving at dawn", "Heringsboote bei Tagesanbruch", "Départ à l'aube", STRAND, "1884-05-02", BOATS),
    ("The old quay at low tide", "Der alte Kai bei Ebbe", "Le vieux quai à marée basse", STRAND[:1], "1884-09", TOWN),
    ("Evening light over the bay", "Abendlicht über der Bucht", "Lumière du soir", STRAND[1:], "1886", SEA),
    ("Pilot boat “Constance”", "Lotsenboot „Constance“", "Le pilote « Constance »", STRAND, "1887-07-21", BOATS),
    ("The customs house & its clock", "Das Zollhaus", "La maison des douanes", STRAND[:1], "1889-04-10", TOWN),
    (
        "Before the storm of 1891",
        "Vor dem Sturm von 1891",
        "Avant la tempête",
        (*STRAND, "Iversen, Karl"),
        "1891-11-03",
        SEA,
    ),
    ("Three sails", "Drei Segel", "Trois voiles", STRAND[1:], "1893", BOATS),
    (
        "Ferry in the morning mist",
        "Fähre im Morgennebel",
        "Le bac dans la brume",
        ("Iversen, Karl",),
        "1896-10-12",
        BOATS,
    ),
    ("The new lighthouse", "Der neue Leuchtturm", "Le nouveau phare", STRAND, "1899-06-30", TOWN),
    ("Regatta day", "Regattatag", "Jour de régate", ("Iversen, Karl", "Strand, Amalie"), "1902-08-17", BOATS),
    ("Winter sea", "Wintersee", "Mer d'hiver", STRAND[:1], "1907-01", SEA),
    ("Last plate: the harbour from the hill", "Letzte Platte", "Dernière plaque", STRAND, "1911-09-09", TOWN),
]

PLANS: list[tuple[str, str, str, str]] = [
    ("Plan of the town and harbour of Aldermouth", "Whitcombe, Eleanor", "1841", "1:2,500"),
    ("Survey for the water works", "Whitcombe, Eleanor", "1856", "1:5,000"),
    ("The ring road as proposed", "Adeyemi, Tunde", "1878", "1:2,500"),
    ("Plan of the gas works quarter", "Lindqvist, Nils", "1889", "1:1,000"),
    ("Aldermouth & district: tramways", "Adeyemi, Tunde", "1904", "1:10,000"),
    ("Town plan of 1932", "Board of Works", "1932", "1:5,000"),
]

HEADLINES = [
    "A gale carries away the lightship",
    "The new pump is opened by the mayor",
    "Herring at eight pence the score",
    "A concert in aid of the lifeboat",
    "The bridge closed for repairs",
    "Two sloops collide off the bar",
    "The school board meets in private",
    "A comet seen over the bay",
    "The tram reaches Mill Lane",
    "Fire in the rope walk",
    "A whale stranded at Sandy Point",
    "The circus departs, leaving its elephant",
    "Mr. Lindqvist's lecture on ice",
    "The river higher than in living memory",
    "A prize for Miss Okafor's roses",
    "The mail three days late",
    "Gas lamps along the quay",
    "The choir returns from Bergen",
    "A pearl found in an oyster",
]
WEATHER = ["Wind south-west, rain.", "Calm and clear.", "Fog until noon.", "Fresh breeze, showers."]

ARABIC: list[tuple[str, str, str, str, list[str]]] = [
    ("كتاب في علم الفلك", "ابن الساحل، يوسف", "1278", "رسالة في حركة الكواكب والنجوم.", ["علم الفلك", "نجوم"]),
    ("رسالة في الملاحة", "البحري، سليم", "1412", "وصف الطرق البحرية والموانئ.", ["ملاحة", "بحار"]),
    ("ديوان الميناء", "الشاعرة، ليلى", "1530", "قصائد عن البحر والسفر.", ["شعر"]),
    ("كتاب النباتات الطبية", "العطار، مريم", "1345", "أسماء النباتات ومنافعها.", ["طب", "نباتات"]),
    ("مختصر الحساب", "الكاتب، عمر", "1391", "في الجمع والطرح والضرب.", ["رياضيات"]),
    ("رحلة إلى الشمال", "الرحالة، حسن", "1602", "أخبار البلاد الباردة وأهلها.", ["رحلات", "جغرافيا"]),
    ("شرح آلة الأسطرلاب", "الفلكي، زينب", "1450", "كيف يعرف الوقت والجهة.", ["علم الفلك"]),
    ("تاريخ المدينة القديمة", "المؤرخ، علي", "1688", "أحداث المدينة سنة بعد سنة.", ["تاريخ"]),
]

EAST_ASIAN: list[tuple[str, str, str, str, str]] = [
    ("港町の絵図", "山田, 花子", "1803", "港と町の通りを描いた絵図。", "ja"),
    ("江戸近郊の地図", "佐藤, 一郎", "1847", "江戸の周りの村と道。", "ja"),
    ("瀬戸内海航路図", "鈴木, 次郎", "1861", "島々と航路を示す。", "ja"),
    ("温泉案内図", "高橋, 美咲", "1899", "温泉と宿の案内。", "ja"),
    ("沿海舆图", "王, 明", "1790", "沿海各省的港口与岛屿。", "zh"),
    ("城市街道图", "李, 芳", "1885", "城墙、街道与河流。", "zh"),
    ("黄河河道图", "张, 伟", "1826", "河道与堤坝的变迁。", "zh"),
    ("茶路图", "陈, 静", "1871", "从山区到港口的茶路。", "zh"),
]
