"""Closed lists of English that the checks read by: function words, verbs, quantifiers, hedges."""

from __future__ import annotations

from collections.abc import Iterator

from agentcore.workflow.reading.words import STOP_WORDS, stem

__all__ = [
    "ADVERBS",
    "AUXILIARIES",
    "BE",
    "CONJUNCTIONS",
    "DETERMINERS",
    "EXCLUSIVES",
    "FUNCTION_WORDS",
    "HEDGES",
    "MEASURES",
    "MONTHS",
    "NEGATORS",
    "NOUN_LIKE",
    "ORDINALS",
    "PARTICIPLES",
    "PREPOSITIONS",
    "PRONOUNS",
    "QUANTIFIERS",
    "RELATIVES",
    "SUBORDINATORS",
    "TENS",
    "TITLES",
    "UNITS",
    "VERBS",
    "base_form",
    "is_manner",
    "lemma",
]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IRREGULAR_FORMS = (
    "become became; begin began begun; bear born borne; break broke broken; bring brought; build built; burn burnt; "
    "buy bought; catch caught; choose chose chosen; come came; deal dealt; dig dug; draw drew drawn; drink drank drunk; "
    "drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; fly flew flown; "
    "forbid forbade forbidden; forget forgot forgotten; freeze froze frozen; get got gotten; give gave given; go went gone; "
    "grow grew grown; hang hung; hear heard; hide hid hidden; hold held; keep kept; know knew known; lay laid; lead led; "
    "leave left; lend lent; lie lay lain; light lit; lose lost; make made; mean meant; meet met; pay paid; ride rode ridden; "
    "ring rang rung; rise rose risen; run ran; say said; see saw seen; seek sought; sell sold; send sent; shake shook shaken; "
    "shine shone; shoot shot; show shown; sing sang sung; sink sank sunk; sit sat; sleep slept; speak spoke spoken; spend spent; "
    "stand stood; steal stole stolen; strike struck; swim swam swum; take took taken; teach taught; tell told; think thought; "
    "throw threw thrown; understand understood; wake woke woken; wear wore worn; win won; write wrote written; "
    "flee fled; bleed bled; breed bred; creep crept; dwell dwelt; sweep swept; swing swung; slide slid; bend bent; "
    "bite bit bitten; blow blew blown; tear tore torn; swear swore sworn; weave wove woven; arise arose arisen; "
    "withdraw withdrew withdrawn; undergo underwent undergone; overcome overcame; undertake undertook undertaken"
)
_IRREGULAR = {
    form: base
    for entry in _IRREGULAR_FORMS.split("; ")
    for base, *forms in [entry.split()]
    for form in forms
    if form not in ("lay", "found")  # "lay" and "found" are also verbs of their own
} | {"found": "find"}


def base_form(word: str) -> str:
    """Return a word in lower case, an irregular form of a verb as its base form."""
    low = word.lower()
    return _IRREGULAR.get(low, low)


def lemma(word: str) -> str:
    """Return the stem of the base form."""
    return stem(base_form(word))


_LY_NOUNS = _set("family assembly supply monopoly anomaly ally fly butterfly jelly belly bully reply")


def is_manner(low: str) -> bool:
    """Tell whether a word in lower case is an adverb by its ending."""
    return low.endswith("ly") and low not in _LY_NOUNS


CONJUNCTIONS = _set("and but or nor yet")
RELATIVES = _set("who which that whom whose where")
BE = _set("be is are was were been being am")
AUXILIARIES = BE | _set(
    "has have had having do does did can could may might must shall should will would cannot ought"
)
DETERMINERS = _set(
    "the a an this that these those its his her their our my your some any no every each all both either neither "
    "several many few most much more fewer less least another other such"
)
PREPOSITIONS = _set(
    "of in on at by for with from to into onto over under between among through during against about around near "
    "within without across along behind beside besides beyond despite except excluding including inside outside "
    "per toward towards upon via like than as since until till before after above below up down off out"
)
PRONOUNS = _set(
    "he she it they his her its their him them who which whom whose that there here this these those we i you itself "
    "himself herself themselves one ones do did does so"
)
SUBORDINATORS = _set(
    "because since although though while whereas when where if whether unless until before after as that who which "
    "whom whose so than"
)
ADVERBS = _set(
    "then also later soon again still once now ever never not just even already often always only too very not"
)
FUNCTION_WORDS = STOP_WORDS | PRONOUNS | AUXILIARIES | DETERMINERS | PREPOSITIONS | SUBORDINATORS
TITLES = _set(
    "dr mr mrs ms prof professor sir lady lord king queen prince princess captain general president minister"
)
NEGATORS = _set(
    "no not never neither nor without none nobody nothing cannot hardly nowhere unable incapable unknown absent lack "
    "lacks lacked lacking invalid impossible"
)
MONTHS = _set(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays"
)
# In the order of their values: units from 0, tens from 20, ordinals from 1.
UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
)  # fmt: skip
MEASURES = _set(
    "feet foot metre metres meter meters kilometre kilometres kilometer kilometers mile miles inch inches yard yards "
    "centimetre centimetres millimetre millimetres kilogram kilograms gram grams milligram milligrams pound pounds tonne "
    "tonnes ton tons second seconds minute minutes hour hours day days week weeks month months year years decade decades "
    "century centuries euro euros dollar dollars cent cents franc francs percent degree degrees litre litres gallon gallons "
    "watt watts kilowatt kilowatts volt volts ampere amperes kelvin hundred thousand million billion hectare hectares acre "
    "acres knot knots byte bytes megabyte megabytes gigabyte gigabytes"
)
# Each class excludes the others about the same noun.
QUANTIFIERS = {
    word: kind
    for kind, words in {
        "all": "all every each everyone everybody everything whole entire always both",
        "most": "most mostly mainly majority chiefly largely usually",
        "many": "many numerous much often lots",
        "some": "some several part partly sometimes certain",
        "few": "few rarely seldom little minority",
        "none": "none nobody nothing neither never",
    }.items()
    for word in words.split()
}
EXCLUSIVES = _set("only solely exclusively alone sole reserved merely purely")
HEDGES = _set(
    "may might perhaps possibly probably likely whether believe believes believed think thinks thought suspect suspects "
    "suspected reportedly allegedly supposedly claim claims claimed estimate rumoured apparently unclear presumably "
    "suggest suggests suggested seems appears unknown"
)


def _forms(base: str) -> Iterator[str]:
    """Yield the regular forms of a verb."""
    yield base
    yield base + ("es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")
    if base.endswith("e"):
        yield from (base + "d", base[:-1] + "ing")
    elif base.endswith("y") and base[-2] not in "aeiou":
        yield from (base[:-1] + "ied", base[:-1] + "ies", base + "ing")
    else:
        yield from (base + "ed", base + "ing", base + base[-1] + "ed", base + base[-1] + "ing")


_BASES = (
    "accept achieve acquire act add admit adopt advance agree allow announce answer appear apply appoint approve argue "
    "arrive ask attack attend award ban beat become begin believe belong bear borrow break bring build burn buy call carry "
    "cast catch cause celebrate change charge choose claim climb close collect combine come command compete complete compose "
    "conceive conclude conduct confirm connect consist construct contain continue contribute convert cook cool copy correct "
    "cost cover create cross cut damage deal decide declare decline decrease defeat defend deliver demand deny depart depend "
    "derive describe design destroy detect determine develop die differ dig direct disappear discover dismiss display divide "
    "dominate draw drink drive drop earn eat edit elect employ enable end enlist enter establish evolve examine exceed exclude "
    "exist expand expect explain export express extend face fail fall feature feed feel fight fill find finish fire fit fix "
    "flow fly follow forbid force forget form found freeze gain get give go govern graduate grant grow hang happen have head "
    "hear heat help hide hire hold host identify import improve include increase indicate influence inherit inspire install "
    "insure introduce invade invent invest invite issue join judge jump keep kill know lack last launch lay lead learn leave "
    "lend let lie like limit link list live locate lose love lower maintain make manage manufacture mark marry mean measure "
    "meet melt mention merge move name need note observe obtain occupy occur offer open operate oppose orbit order organise "
    "organize originate own paint pass pay perform permit place plan plant play point possess praise precede predict prefer "
    "prepare present prevent print produce prohibit promise promote propose protect prove provide publish purchase push put "
    "raise reach read receive recognise recognize recommend record recover reduce refer refuse reject release remain remember "
    "remove rename replace report represent require rescue research reside resign resolve respond result retire retreat return "
    "reveal ride ring rise rule run say search see seek sell send separate serve set settle share shoot show shrink shut sign "
    "sing sink sit sleep slow solve speak spend spread stand star start state stay steal stop store stretch strike study "
    "succeed suffer suggest supervise supply support surrender survive suspect swim switch take teach tell tend test think "
    "throw trade train transfer translate travel treat try turn understand unite use vary visit vote wait wake walk want warn "
    "warm watch wear weigh win work write attribute blink boil repay germinate tolerate tackle assist burn lean stand cycle play lack orbit circle rest hurt injure kill wound "
    "abandon absorb accompany accuse adapt adjust admire advise affect aim analyse apologise arrange arrest assemble assess assign "
    "assume attach attract avoid balance beg behave bend bind bite bless block blow boast bounce breathe breed brew burst bury "
    "calculate cancel capture care carve cease chase cheat chew clean collapse compare complain concern confess confuse consult "
    "consume contrast convict convince correspond crash crawl crush cultivate cure dance dare debate decay decorate defy delay "
    "delete detain devote dislike dissolve distribute disturb donate doubt download dream dry earn echo embrace emerge emit "
    "encounter encourage endure enjoy ensure entertain escape evaluate evaporate exchange excite exhaust exploit explode explore "
    "fascinate flee float flood flourish forgive gather generate grab greet grind guarantee guard handle hate heal hesitate hunt "
    "illustrate imagine imitate imply impress imprison infect inform inhabit insist inspect instruct interview irritate isolate "
    "knock laugh lick load lock melt migrate mix modify monitor mount multiply murder negotiate notice obey oblige overtake owe "
    "persuade photograph pick please polish pollute populate pour pray preserve pretend prevail proceed provoke pull pump punish "
    "quit react realise recall recruit reflect regard regulate reign relate rely remind rent repair repeat request resemble resist "
    "restore restrict resume retain reverse review revise reward rob roll rush sail satisfy save scatter scream secure seize select "
    "shelter shine shout slip smell smile smoke spill split spoil sprout stem stir stretch strip struggle submit substitute sue "
    "surround suspend swallow sweep swing target tear thank threaten tie trace transform transmit transport trap trigger trust "
    "rain snow twist urge vanish verify violate wander wash waste weaken weave welcome wipe wish wonder worry wrap yield"
)
PARTICIPLES = frozenset(_IRREGULAR)
VERBS = (
    frozenset(form for base in _BASES.split() for form in _forms(base))
    | frozenset(_IRREGULAR)
    | {"lay", "found"}
)
# Verbs that are as often nouns.
NOUN_LIKE = frozenset(
    form
    for base in sorted(
        _set(
            "plan cost copy record visit vote work study change cause cover deal demand design display force form help issue "
            "lead limit link list move name need note offer order paint place plant play point praise print promise purchase "
            "release report research rescue result return ring rise rule run search share show sign sleep spread stand star "
            "start state stay stop store strike supply support suspect switch test train transfer travel treat trade turn use "
            "wait walk watch wear charge attack attempt award ban break call claim climb command contact cook cross cut "
            "damage decline decrease drink drive drop end face fall feature feel fight fire fit flow fly gain grant head host "
            "increase influence judge jump launch lay land love mark marry match measure exhibit export import interest "
            "matter object press process produce program project balance capture care cure dance debate delay dream echo "
            "escape exchange fear flood grind guarantee guard handle hate interview knock laugh load lock monitor mount "
            "murder notice pack pile pump rent repair repeat request reverse review reward roll rush scream shelter shout "
            "slip smell smile smoke spill split sprout stem stretch struggle swing target tear tie trace transport trap "
            "trigger trust twist waste wish wonder yield bite block blow crash witness answer nest rest regard reign doubt "
            "download quit "
        )
    )
    for form in (base, base + "s", base + "es")
)
