"""The reader's parts: words, spans, kinds of answers, beams, comparisons, choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.memory.embedding import HashEmbedder
from agentcore.workflow.reading.beam import mentions, two_hop
from agentcore.workflow.reading.candidates import (
    answer_key,
    overlap_f1,
)
from agentcore.workflow.reading.comparison import compare, compared_things
from agentcore.workflow.reading.coverage import Selection, Sentence, inverse_frequencies, select_sentences
from agentcore.workflow.reading.gathering import gather_candidates
from agentcore.workflow.reading.not_found import found_probability
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.prompts import reading_prompt
from agentcore.workflow.reading.question import answer_kind
from agentcore.workflow.reading.settings import ReaderSettings, heads_for
from agentcore.workflow.reading.spans import spans_of
from agentcore.workflow.reading.subject import asked_subject
from agentcore.workflow.reading.verdict import verdict
from agentcore.workflow.reading.wording import by_verb
from agentcore.workflow.reading.words import sentence_spans, title_key, word_key

SETTINGS = ReaderSettings()


def passage(title: str, text: str, *, dense: float = 0.0, lexical: float = 0.0) -> Passage:
    return Passage(text, title, title, 0, len(text), title, dense, lexical)


@given(st.text(max_size=300))
def test_sentences_cover_a_text_in_order(text: str) -> None:
    """Sentences never overlap, are never empty, and together hold every letter of the text."""
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    assert "".join("".join(text[a:b] for a, b in spans).split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith came.",
        "J. R. R. Tolkien wrote it.",
        "It cost approx. 3.5 million.",
        "He met Gen. Lee there.",
    ],
)
def test_abbreviations_end_no_sentence(text: str) -> None:
    """A full stop behind a title, an initial or a known abbreviation does not split."""
    assert len(sentence_spans(text)) == 1


@given(st.text(max_size=200))
def test_spans_lie_in_their_text(text: str) -> None:
    """Every candidate span is a non-empty stretch of the text, and none comes twice."""
    spans = spans_of(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert len({(span.start, span.end) for span in spans}) == len(spans)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("He was born on 4 May 1655 in Padua, a city.", "4 May 1655"),
        ("He was born on 4 May 1655 in Padua, a city.", "Padua"),
        ("It seats 3,677 people.", "3,677"),
        ("The voyage took 101 days.", "101 days"),
        ("It was designed by Ruth Calder and Colm Darragh.", "Colm Darragh"),
        ('She wrote "Winter Harbour" in 1998.', "Winter Harbour"),
        ("He is best known as a ship's carpenter.", "ship's carpenter"),
        ("The University of Kansas is in Lawrence.", "University of Kansas"),
        ("It is based in Marion, South Australia.", "Marion, South Australia"),
        ("Hollywood's first star retired.", "Hollywood"),
        ("Express delivery takes one working day.", "one working day"),
        ("It moved because the tests failed.", "the tests failed"),
    ],
)
def test_what_can_be_an_answer_is_a_span(text: str, answer: str) -> None:
    """Names, dates, numbers with their unit, titles and plain phrases are candidates as people would write them."""
    assert answer in {text[span.start : span.end] for span in spans_of(text)}


def test_a_river_is_called_one() -> None:
    """Where the question names a class whose members bear it in their name, those candidates alone are left."""
    text = "In Belgium the River Meuse flows past Dinant and reaches Namur."
    selection = Selection((Sentence(text, 0, 0, 0, len(text)),), (0,), (0.0,), 1.0, 1.0)
    passages = [passage("Belgium", text)]
    rivers, places = (
        {
            c.text
            for c in gather_candidates(question, selection, passages, reading_prompt(question, [("", text)]))
        }
        for question in ("Which river flows past Dinant?", "Where is it?")
    )
    assert "River Meuse" in rivers
    assert all("River" in name for name in rivers)
    assert "Belgium" in places


def test_why_is_answered_by_a_reason_or_not_at_all() -> None:
    """A question for a reason gets the clause behind "because"; where there is none, no name stands in for it."""
    for text, answers in (
        ("The release moved to May because the tests failed.", ["the tests failed"]),
        ("The release moved to May.", []),
    ):
        selection = Selection((Sentence(text, 0, 0, 0, len(text)),), (0,), (0.0,), 1.0, 1.0)
        prompt = reading_prompt("Why did the release move?", [("", text)])
        found = gather_candidates("Why did the release move?", selection, [passage("", text)], prompt)
        assert [c.text for c in found] == answers


def test_a_measure_keeps_its_unit() -> None:
    """A number directly before a unit is a candidate with the unit alone."""
    text = "The laser has 532 nanometres and two antennas."
    spans = {text[span.start : span.end] for span in spans_of(text)}
    assert {"532 nanometres", "two", "two antennas"} <= spans
    assert "532" not in spans


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who wrote it?", "person"),
        ("In what year was the novel that a man, who was famous, wrote published?", "year"),
        ("Where is it?", "place"),
        ("How many people live there?", "number"),
        ("What singer sang it?", "person"),
        ("Which county is it in?", "place"),
        ("What is the name of the song?", "name"),
        ("What was the name of the man who wrote it?", "person"),
        ("What is the capital of Burgundy?", "place"),
        ("What was the population of the town?", "number"),
        ("What is the island known for?", "other"),
        ("What nationality is the director?", "nationality"),
        ("What was the nationality of the director?", "nationality"),
        ("When did it end?", "date"),
        ("Why was it moved?", "reason"),
        ("Name it.", "other"),
        ("The arena where the team plays can seat how many people?", "number"),
        ("The team represented a university which was founded in what year?", "year"),
        ("The album was recorded by a group that was formed by who?", "person"),
        ("Which bus driver jumped the gap?", "person"),
        ("The woman who played her was born where?", "place"),
    ],
)
def test_the_first_wh_word_says_what_is_asked_for(question: str, kind: str) -> None:
    """The kind of answer follows from the first wh-word that asks, and its noun; one behind a noun only tells of it."""
    assert answer_kind(question) == kind


@pytest.mark.parametrize(
    ("question", "things"),
    [
        ("Who was born earlier, Emma Bull or Virginia Woolf?", ("Emma Bull", "Virginia Woolf")),
        ("who is younger Keith Bostic or Jerry Glanville ?", ("Keith Bostic", "Jerry Glanville")),
        ("Are both Dictyosperma, and Huernia described as a genus?", ("Dictyosperma", "Huernia")),
        ("Were Scott Derrickson and Ed Wood of the same nationality?", ("Scott Derrickson", "Ed Wood")),
        ("Was Henry Marsh or Ida Vale born first?", ("Henry Marsh", "Ida Vale")),
        ("Between Ann Hui and Henrik Genz, who was born earlier?", ("Ann Hui", "Henrik Genz")),
        (
            "Which came out first, A Trip to Chinatown or Three Strangers?",
            ("A Trip to Chinatown", "Three Strangers"),
        ),
        (
            "Who died later, Ida Vale or Charles Lennox, 8th Duke of Ware?",
            ("Ida Vale", "Charles Lennox, 8th Duke of Ware"),
        ),
        ("What film with Ann Hui and Henrik Genz came out in 1990?", None),
        ("What do people wear in spring or to celebrate the holiday?", None),
        ("Who wrote it?", None),
    ],
)
def test_what_a_question_compares(question: str, things: tuple[str, str] | None) -> None:
    """The two things of a comparison are found; a question without one has none."""
    assert compared_things(question) == things


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who was born earlier, Ada Test or Bob Trial?", "Bob Trial"),
        ("Who is younger, Ada Test or Bob Trial?", "Ada Test"),
        ("Are Ada Test and Bob Trial both painters?", "yes"),
        ("Were Ada Test and Bob Trial of the same nationality?", "no"),
        ("Which one was known for sculpture, Ada Test or Bob Trial?", "Bob Trial"),
    ],
)
def test_code_compares(question: str, answer: str) -> None:
    """Dates, nations and words of the two passages decide a comparison."""
    passages = [
        passage("Ada Test", "Ada Test (born 3 March 1970) is a Danish painter."),
        passage("Bob Trial", "Bob Trial (born 2 April 1960) is a Finnish painter known for his sculpture."),
    ]
    found = compare(question, passages)
    assert found is not None
    assert found.answer == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who died first, Cora Old or Dan Late?", "Dan Late"),
        ("Who lived longer, Cora Old or Dan Late?", "Cora Old"),
        ("Which came out first, Stay, Marianne or A Day in Rome?", "A Day in Rome"),
        ("Are Cora Old and Dan Late both film actors?", "no"),
        ("Are Cora Old and Dan Late both film directors?", "yes"),
    ],
)
def test_titles_say_where_the_compared_names_end(question: str, answer: str) -> None:
    """Names are known from the titles found, lives from their parentheses, and a kind by its noun."""
    passages = [
        passage(
            "Cora Old", "Cora Old (3 March 1870 – 1 May 1961) was a Danish film actor and film director."
        ),
        passage("Dan Late", "Dan Late (2 April 1890 – 7 June 1950) was a Finnish film director."),
        passage("Stay, Marianne", "Stay, Marianne is a 1971 film."),
        passage("A Day in Rome (film)", "A Day in Rome is a 1950 film."),
    ]
    found = compare(question, passages)
    assert found is not None
    assert found.answer == answer


def test_a_film_with_two_names_is_no_comparison() -> None:
    """Two names joined by "and" in a question for something else are left to the reader."""
    passages = [passage("Ann Hui", "Born in 1947."), passage("Henrik Genz", "Born in 1959.")]
    assert compare("What film with Ann Hui and Henrik Genz came out in 1990?", passages) is None


def test_a_comparison_without_its_passages_is_left_open() -> None:
    """Code answers nothing when one of the two things has no passage."""
    assert compare("Who is older, Ada Test or Bob Trial?", [passage("Ada Test", "Born in 1970.")]) is None


def test_the_second_hop_comes_up() -> None:
    """A passage that the first one names outranks one that only looks like the question."""
    first = passage("Tower", "The tower was designed by Ruth Calder.", dense=3, lexical=3)
    second = passage("Ruth Calder", "She was born in Dunfell.", dense=0, lexical=0)
    lookalike = passage("Other tower", "A building where somebody was born.", dense=1.5, lexical=1.5)

    def search(query: str, limit: int) -> Sequence[Passage]:
        return [first, lookalike, second][:limit]

    beam = two_hop("Where was the designer of the tower born?", search, settings=SETTINGS)
    assert [p.title for p in beam.passages[:2]] == ["Tower", "Ruth Calder"]


def test_an_empty_corpus_gives_an_empty_beam() -> None:
    """Where no search returns anything, there is no evidence and no answer is likely."""
    beam = two_hop("anything", lambda *_: [], settings=SETTINGS)
    assert beam.passages == ()
    assert found_probability(beam.pair_score, 1.0, settings=SETTINGS) == 0.0


@pytest.mark.parametrize("size", [1000, 100_000])
def test_the_pair_score_is_scaled_by_the_corpus(size: int) -> None:
    """The same z-scores tell less in a larger corpus, by its logarithm."""
    passages = [passage("A", "a", dense=4, lexical=4), passage("B", "b", dense=2, lexical=2)]
    here, other = (
        two_hop("a?", lambda *_: passages, settings=SETTINGS, size=n).pair_score for n in (size, 100)
    )
    assert here == pytest.approx(other * math.log(100) / math.log(size))


@pytest.mark.parametrize("size", [2, 3, 6, 12, 40])
def test_a_small_corpus_can_hold_an_answer(size: int) -> None:
    """A passage that stands out as far as a z-score can in a small corpus, and covers the question, is an answer."""
    best, rest = math.sqrt(size - 1), -1 / math.sqrt(size - 1)
    passages = [passage("A", "a", dense=best, lexical=best)]
    passages += [passage(f"B{n}", "b", dense=rest, lexical=rest) for n in range(size - 1)]
    found = two_hop("a?", lambda *_: passages, settings=SETTINGS, size=size)
    assert found_probability(found.pair_score, 0.85, settings=SETTINGS) > SETTINGS.found_threshold
    assert found_probability(found.pair_score, 0.4, settings=SETTINGS) < SETTINGS.found_threshold


def test_a_single_document_can_hold_an_answer() -> None:
    """In a corpus of one passage, where nothing can stand out, coverage decides."""
    found = two_hop("a?", lambda *_: [passage("A", "a")], settings=SETTINGS, size=1)
    assert found_probability(found.pair_score, 0.85, settings=SETTINGS) > SETTINGS.found_threshold
    assert found_probability(found.pair_score, 0.4, settings=SETTINGS) < SETTINGS.found_threshold


def test_titles_are_named_as_whole_words() -> None:
    """A title counts as mentioned without its parenthesis, and never inside another word."""
    body = word_key("He took up drifting in Berlin.")
    assert mentions(body, "Drifting (motorsport)")
    assert not mentions(body, "Drift")
    assert title_key("(untitled)") == "untitled"


def test_few_sentences_cover_the_question() -> None:
    """Chosen sentences stand in reading order and their offsets are those of the document."""
    texts = [
        "The tower is old. It stands in Dunfell. Sheep graze there.",
        "Ruth Calder was an engineer. She liked tea.",
    ]
    passages = [passage("Tower", texts[0]), passage("Ruth Calder", texts[1])]
    few = ReaderSettings(sentences=2)
    chosen = select_sentences(
        "Where does the tower stand?",
        passages,
        encoder=HashEmbedder(),
        rarity=inverse_frequencies(passages),
        settings=few,
    )
    assert len(chosen.sentences) == 2
    assert sorted(chosen.ranks) == [0, 1]
    for sentence in chosen.sentences:
        assert texts[sentence.passage][sentence.start : sentence.end] == sentence.text
    assert "tower" in chosen.sentences[0].text.lower()


def test_the_document_that_the_first_sentence_leads_to_is_read() -> None:
    """It says nothing of the tower, and others say more of who was born: one of its sentences is read all the same."""
    passages = [
        passage(
            "Tower",
            "The tower of Dunfell was built by Ruth Calder. The tower is old. The tower has a clock.",
            dense=4.0,
            lexical=4.0,
        ),
        passage("Ruth Calder", "She liked tea. She was born in Oban."),
        passage(
            "Mill", "The man who built the mill was born here. The man who built the mill was born rich."
        ),
    ]
    chosen = select_sentences(
        "Where was the man who built the tower of Dunfell born?",
        passages,
        encoder=HashEmbedder(),
        rarity=inverse_frequencies(passages),
        settings=ReaderSettings(sentences=3),
    )
    assert [sentence.text for sentence in chosen.sentences if sentence.passage == 1] == [
        "She was born in Oban."
    ]
    assert chosen.ranks[0] == 0
    assert chosen.sentences[0].text.startswith("The tower of Dunfell was built")


@given(st.text(max_size=40), st.text(max_size=40))
def test_overlap_is_symmetric(left: str, right: str) -> None:
    """F1 of two answers does not depend on their order, is 1 for equal ones and lies in [0, 1]."""
    assert overlap_f1(left, right) == overlap_f1(right, left)
    assert overlap_f1(left, left) == 1.0
    assert 0.0 <= overlap_f1(left, right) <= 1.0


def test_answers_are_normalised_as_squad_does() -> None:
    """Case, punctuation and articles do not count."""
    assert answer_key("The  North-Atlantic, Conference!") == "northatlantic conference"


@given(st.lists(st.tuples(st.sampled_from(["", "Title"]), st.text(min_size=1, max_size=30)), max_size=5))
def test_a_prompt_knows_where_its_sentences_are(rows: list[tuple[str, str]]) -> None:
    """Every sentence stands in the prompt at the offset that is given for it."""
    prompt = reading_prompt("Why?", rows)
    for (title, text), offset, at in zip(rows, prompt.offsets, prompt.title_offsets, strict=True):
        assert prompt.text[offset : offset + len(text)] == text
        assert at is None if not title else prompt.text[at : at + len(title)] == title
    assert prompt.text.endswith("Question: Why?\nAnswer:")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("smollm2", True),
        ("gguf:/models/SmolLM2-135M-Instruct.Q4_1.gguf", True),
        ("SmolLM2-1.7B", False),
        ("qwen2.5", False),
    ],
)
def test_heads_are_known_for_their_model_alone(name: str, known: bool) -> None:
    """Answer heads are taken for the very model they were found in; others choose by likelihood."""
    assert (heads_for(name) is not None) is known


@given(st.floats(-50, 50), st.floats(-1, 1))
def test_found_probability_is_a_probability(pair: float, coverage: float) -> None:
    """The signal lies in [0, 1] and grows with either of its parts."""
    value = found_probability(pair, coverage, settings=SETTINGS)
    assert 0.0 <= value <= 1.0
    assert found_probability(pair + 1, coverage, settings=SETTINGS) >= value
    assert found_probability(pair, coverage + 0.1, settings=SETTINGS) >= value


def test_settings_are_frozen() -> None:
    """Nobody changes a constant while a run uses it."""
    settings: Any = ReaderSettings()
    with pytest.raises(AttributeError):
        settings.passages = 3


FACTS = (
    ("Forth Bridge", "The Forth Bridge is a railway bridge in Scotland. It was opened on 4 March 1890."),
    ("Marie Curie", "Marie Curie was a physicist. She was born in Warsaw in 1867. She never drove a car."),
    ("Glass armonica", "The glass armonica is an instrument. It was invented by Benjamin Franklin in 1761."),
    ("Iron Bridge", "The Iron Bridge crosses the River Severn in Shropshire."),
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Is the Forth Bridge in Scotland?", "yes"),
        ("Was the Forth Bridge opened in 1890?", "yes"),
        ("Was the Forth Bridge opened in 1891?", "no"),
        ("Was Marie Curie born in Warsaw?", "yes"),
        ("Was Marie Curie born in Paris?", "no"),
        ("Did Benjamin Franklin invent the glass armonica?", "yes"),
        ("Did Marie Curie drive a car?", None),
        ("Is the Forth Bridge painted red?", None),
        ("Was Marie Curie in Paris?", None),
        ("Was Marie Curie not born in Warsaw?", None),
        ("Is it old?", None),
    ],
)
def test_yes_and_no_need_a_sentence(question: str, answer: str | None) -> None:
    """A sentence that says it gives "yes", one with another name or number in its place "no"; anything else stays open."""
    passages = [passage(title, text) for title, text in FACTS]
    encoder = HashEmbedder()
    selection = select_sentences(question, passages, encoder=encoder, rarity={}, settings=SETTINGS)
    found = verdict(question, selection, passages, encoder=encoder)
    assert (None if found is None else found.answer) == answer


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What is the birthplace of the inventor of the piano?", "Where was the inventor of the piano born?"),
        ("what was the place of birth of Ada Lovelace", "Where was Ada Lovelace born?"),
        ("What is Ada Lovelace's date of birth?", "When was Ada Lovelace born?"),
        ("What is James’ birthday?", "When was James born?"),
        ("What is the date of death of Ada?", "When did Ada die?"),
        ("What is the year of birth of Ada?", "In which year was Ada born?"),
        ("What is the birth rate of Norway?", "What is the birth rate of Norway?"),
        ("Whose birthplace is Padua?", "Whose birthplace is Padua?"),
    ],
)
def test_a_birthplace_is_where_one_was_born(question: str, said: str) -> None:
    """Documents say it by a verb."""
    assert by_verb(question) == said


def test_a_place_does_not_bear_the_name_of_who_was_born_there() -> None:
    """The title of a document that tells a life is no candidate for "where"."""
    texts = ("Otto Vale (born 3 May 1900) was a painter from Oban.", "Oban is a town. He was born in Oban.")
    passages = [passage("Otto Vale", texts[0]), passage("Oban", texts[1])]
    sentences = (Sentence(texts[0], 0, 0, 0, len(texts[0])),)
    prompt = reading_prompt("Where was he born?", [("", texts[0])])
    found = gather_candidates(
        "Where was he born?", Selection(sentences, (0,), (0.0,), 1.0, 1.0), passages, prompt
    )
    assert "Otto Vale" not in [candidate.text for candidate in found]
    assert "Oban" in [candidate.text for candidate in found]


def test_a_nationality_is_a_word_for_where_one_is_from() -> None:
    """Names and dates beside it are no candidates."""
    text = "Otto Vale (born 3 May 1900) was a Scottish painter."
    sentences = (Sentence(text, 0, 0, 0, len(text)),)
    question = "What nationality was Otto Vale?"
    found = gather_candidates(
        question,
        Selection(sentences, (0,), (0.0,), 1.0, 1.0),
        [passage("Otto Vale", text)],
        reading_prompt(question, [("", text)]),
    )
    assert [candidate.text for candidate in found] == ["Scottish"]


def test_what_another_thing_does_is_no_answer() -> None:
    """Candidates for "what does NAME …?" stand in sentences about that name, where there are any."""
    facts = ("The Clifton Bridge spans the Avon Gorge at Bristol.", FACTS[3][1])
    passages = [
        passage(title, text) for title, text in zip(("Clifton Bridge", "Iron Bridge"), facts, strict=True)
    ]
    sentences = tuple(Sentence(text, n, 0, 0, len(text)) for n, text in enumerate(facts))
    selection = Selection(sentences, (0, 1), (0.0, 0.0), 1.0, 1.0)
    question = "What does the Clifton Bridge cross?"
    prompt = reading_prompt(question, [("", text) for text in facts])
    texts = {candidate.text for candidate in gather_candidates(question, selection, passages, prompt)}
    assert "Avon Gorge" in texts
    assert not texts & {"River Severn", "Severn", "Shropshire"}
    assert [asked_subject(q) for q in (question, "What is it?", "What did she win?")] == [
        "Clifton Bridge",
        None,
        None,
    ]
    assert asked_subject("What nationality was Adolphe Sax?") == "Adolphe Sax"
    assert asked_subject("What nationality was the inventor of the piano?") is None
