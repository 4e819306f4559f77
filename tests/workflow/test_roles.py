"""What a question asks for, and where in a sentence that stands: agents, objects, circumstances, relations, and their borders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentcore.workflow.reading.coverage import Selection, Sentence, inverse_frequencies
from agentcore.workflow.reading.gathering import gather_candidates
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.prompts import reading_prompt
from agentcore.workflow.reading.question import answer_kind
from agentcore.workflow.reading.roles.asked import asked_part
from agentcore.workflow.reading.roles.predicates import converses, predicates_of
from agentcore.workflow.reading.roles.relations import relation_slots
from agentcore.workflow.reading.roles.signal import role_signal, told_shares
from agentcore.workflow.reading.roles.slots import SUBJECT, verb_slots
from agentcore.workflow.reading.spans import spans_of


def passage(title: str, text: str) -> Passage:
    return Passage(text, title, title, 0, len(text), title)


def best(question: str, *texts: str, titles: tuple[str, ...] = ()) -> str:
    """Return the candidate whose role fits best, of sentences that each are a document of their own."""
    titles = titles or tuple(f"Document {number}" for number in range(len(texts)))
    passages = [passage(title, text) for title, text in zip(titles, texts, strict=True)]
    sentences = tuple(Sentence(text, number, 0, 0, len(text)) for number, text in enumerate(texts))
    selection = Selection(
        sentences, tuple(range(len(texts))), tuple(0.0 for _ in texts), coverage=1.0, word_coverage=1.0
    )
    prompt = reading_prompt(question, [("", text) for text in texts])
    candidates = gather_candidates(question, selection, passages, prompt)
    signal = role_signal(
        question, candidates, selection, passages, prompt, rarity=inverse_frequencies(passages)
    )
    assert signal.max() > 0, "no candidate plays the role"
    return candidates[int(signal.argmax())].text


@pytest.mark.parametrize(
    ("question", "word", "role", "preposition"),
    [
        ("Who directed The Grey Harbour?", "directed", "agent", None),
        ("Which river flows through Carfield?", "flows", "agent", None),
        ("Whom did Anna Brandt marry?", "marry", "object", None),
        ("How many novels has Anna Brandt written?", "written", "object", None),
        ("For which duke did Anna Brandt work?", "work", "circumstance", "for"),
        ("What is The Grey Harbour a sequel to?", "sequel", "holder", "to"),
        ("Who is Anna Brandt married to?", "married", "circumstance", "to"),
        ("Where was the woman who founded the Harrow Mill born?", "born", "circumstance", None),
        ("Who was the captain of the ship that Brandt sailed on?", "captain", "holder", None),
        ("Who was the first woman to climb the Stonehorn?", "climb", "agent", None),
        ("What is the name of the architect of the Harrow Mill?", "architect", "holder", None),
        ("The Harrow Mill is located in what county?", "located", "circumstance", "in"),
        ("The arena where they play can seat how many people?", "seat", "object", None),
        ("In which county is Carfield?", "located", "circumstance", "in"),
    ],
)
def test_a_question_asks_for_a_part_of_its_event(
    question: str, word: str, role: str, preposition: str | None
) -> None:
    """The clause of the wh-word says which event or relation is asked about, and for which part of it."""
    asked = asked_part(question)
    assert asked is not None
    assert (asked.word, asked.role, asked.preposition) == (word, role, preposition)


@given(st.text(max_size=80))
def test_any_text_may_be_a_question_and_a_sentence(text: str) -> None:
    """Whatever stands in a question or a sentence is read without an error, and every slot lies in its sentence."""
    asked_part(f"Who {text}?")
    for question in ("Where was Anna Brandt born?", "Who founded the mill?", "What did Anna Brandt build?"):
        asked = asked_part(question)
        assert asked is not None
        for slot in verb_slots(text, asked, opens=True):
            assert -1 <= slot.start <= slot.end <= len(text)
    asked = asked_part("Who was the mother of Anna Brandt?")
    assert asked is not None
    for slot in relation_slots(text, asked):
        assert slot is SUBJECT or 0 <= slot.start < slot.end <= len(text)


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        (
            "Who directed The Grey Harbour?",
            "The Grey Harbour is a 1962 film directed by Paul Lindt and starring Vera Holm and Otto Reich.",
            "Paul Lindt",
        ),
        (
            "Who stars in The Grey Harbour?",
            "The Grey Harbour is a 1962 film directed by Paul Lindt and starring Vera Holm.",
            "Vera Holm",
        ),
        (
            "Who produced The Grey Harbour?",
            "The Grey Harbour was written by Vera Holm and produced by Otto Reich.",
            "Otto Reich",
        ),
        (
            "Who invented the windphone?",
            "The windphone was played by Vera Holm, and its inventor was Otto Reich.",
            "Otto Reich",
        ),
        (
            "Whom did Paul Lindt defeat?",
            "At Carfield Paul Lindt defeated Otto Reich, who had beaten Vera Holm.",
            "Otto Reich",
        ),
        (
            "When did the Aldsey sink?",
            "Built in 1901, the Aldsey sank on 4 May 1911 and was found in March 2020.",
            "4 May 1911",
        ),
        (
            "Who was the father of Vera Holm?",
            "Vera Holm was the daughter of Otto Holm and his wife Anna Brandt.",
            "Otto Holm",
        ),
        (
            "Who was the mother of Vera Holm?",
            "Vera Holm was the daughter of Otto Holm and his wife Anna Brandt.",
            "Anna Brandt",
        ),
        ("Who was the husband of Vera Holm?", "In 1950 Vera Holm married Paul Lindt.", "Paul Lindt"),
        (
            "In which city did Vera Holm die?",
            "Vera Holm was born in Dunfell, studied in Carfield and died in Merrow.",
            "Merrow",
        ),
        ("When was Vera Holm born?", "Vera Holm (3 May 1901 – 7 June 1980) was an actress.", "3 May 1901"),
        ("In which county is Carfield?", "Carfield is a town in the county of Aldsey.", "Aldsey"),
        (
            "What company did Vera Holm own?",
            "Vera Holm owned a small studio named Harbour Pictures in Carfield.",
            "Harbour Pictures",
        ),
        (
            "Which president founded the Harrow School?",
            "The Harrow School was founded by Decree of the president Otto Reich.",
            "Otto Reich",
        ),
    ],
)
def test_the_answer_plays_the_asked_role(question: str, text: str, answer: str) -> None:
    """Of the names and dates of one sentence the one in the asked role fits best: by voice, preposition and kinship."""
    assert best(question, text) == answer


@pytest.mark.parametrize(("event", "answer"), [("was Ada Brun born", "Kiel"), ("did Ada Brun die", "Bern")])
def test_a_birthplace_is_no_place_of_death(event: str, answer: str) -> None:
    """Of the events of one life the asked one counts."""
    texts = ("Ada Brun was born in 1820 in Kiel, a port of the Duchy of Holstein.", "She died in Bern.")
    assert best(f"In which town {event}?", *texts, titles=("Ada Brun", "Ada Brun")) == answer


def test_the_sentence_about_the_asked_thing_counts() -> None:
    """The same role in a sentence about something else fits less."""
    right = "The Grey Harbour is a film directed by Paul Lindt."
    wrong = "The Green Valley is a film directed by Otto Reich."
    assert best("Who directed The Grey Harbour?", wrong, right) == "Paul Lindt"


def test_a_pronoun_stands_for_the_subject_of_its_document() -> None:
    """Of "he was the captain of X" the captain is whom the document is about, named there or not."""
    text = "He was the captain of the Aldsey, on which Vera Holm sailed."
    asked = asked_part("Who was the captain of the Aldsey?")
    assert asked is not None
    assert SUBJECT in list(relation_slots(text, asked))
    assert SUBJECT not in list(relation_slots("He was her captain of the Aldsey.", asked))


def test_a_title_in_quotation_marks_is_one_word() -> None:
    """The words of a quoted title end no phrase and are no verbs."""
    text = 'The Grey Harbour is based on the 1931 novel "What Vera Saw at Sea" by Otto Reich.'
    assert best("Which novel is The Grey Harbour based on?", text) == "What Vera Saw at Sea"


def test_a_second_document_speaks_of_what_leads_to_it() -> None:
    """What a document says of its subject answers a question that another document ties to that subject by name."""
    film = "The Grey Harbour is a film directed by Paul Lindt."
    person = "Paul Lindt was born in Dunfell."
    other = "Otto Reich was born in Carfield."
    question = "In which city was the director of The Grey Harbour born?"
    titles = ("The Grey Harbour", "Otto Reich", "Paul Lindt")
    assert best(question, film, other, person, titles=titles) == "Dunfell"
    asked = asked_part(question)
    assert asked is not None
    passages = [passage(title, text) for title, text in zip(titles, (film, other, person), strict=True)]
    sentences = tuple(Sentence(p.text, number, 0, 0, p.end) for number, p in enumerate(passages))
    selection = Selection(sentences, (0, 1, 2), (0.0, 0.0, 0.0), 1.0, 1.0)
    shares, is_led_to = told_shares(
        question, asked, selection, passages, rarity=inverse_frequencies(passages)
    )
    assert is_led_to == (False, False, True)
    assert shares[2] > shares[1]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sink", "sank"),
        ("inventor", "invented"),
        ("directed", "director"),
        ("married", "wife"),
        ("climb", "ascent"),
    ],
)
def test_words_of_one_event_are_known(left: str, right: str) -> None:
    """Inflected and derived words, and a few pairs that no stem joins, tell the same."""
    assert predicates_of(left) & predicates_of(right)


def test_relations_have_two_sides() -> None:
    """A son is what a father's relation looks like from the other side; a brother is one from both."""
    assert "son" in converses("father")
    assert "father" in converses("daughter")
    assert "brother" in converses("brother")
    assert not converses("captain")


@pytest.mark.parametrize(
    ("question", "text", "kept", "left_out"),
    [
        ("How many men sailed on the Aldsey?", "On the Aldsey sailed six men with 400 tons of coal.", "six", "400 tons"),
        ("Which opera opened the season?", "The opera Winter Bells opened the season.", "Winter Bells", "opera Winter Bells"),
        ("Who built the mill?", "The mill was built by Italian Carlo Neri.", "Carlo Neri", "Italian Carlo Neri"),
        ("Which town did she leave?", "She left Dunfell, Scotland.", "Dunfell", "Scotland"),
        ("Which country did she leave?", "She left Dunfell, Scotland.", "Scotland", "Dunfell"),
        ("When did the mill open?", "In 1911 it was ready. The mill opened on 4 May 1911.", "4 May 1911", "1911"),
        ("Who sold the mill?", "Otto Reich of the Harrow Bridge sold the mill.", "Otto Reich", "Harrow Bridge"),
        ("Which company did she own?", "She owned small houses and Harbour Pictures.", "Harbour Pictures", "small houses"),
    ],
)  # fmt: skip
def test_an_answer_has_the_borders_that_are_asked_for(
    question: str, text: str, kept: str, left_out: str
) -> None:
    """Words of the question, nations, outer places, bare years and things that no person is are cut off or left out."""
    sentence = Sentence(text, 0, 0, 0, len(text))
    selection = Selection((sentence,), (0,), (0.0,), 1.0, 1.0)
    found = gather_candidates(
        question, selection, [passage("", text)], reading_prompt(question, [("", text)])
    )
    texts = {candidate.text for candidate in found}
    assert kept in texts
    assert left_out not in texts


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("He married Ana Ruiz de los Ríos y Caller.", "Ana Ruiz de los Ríos y Caller"),
        ("He defeated Donal mac Taidg at sea.", "Donal mac Taidg"),
        ("She studied at St. Agnes's College in town.", "St. Agnes's College"),
        ("The king died on 20 August 651 in battle.", "20 August 651"),
        ("She won the 1996 Harbour Prize for it.", "Harbour Prize"),
    ],
)
def test_names_and_dates_are_found_whole(text: str, name: str) -> None:
    """Particles, abbreviations and years of three digits belong to a name or a date, a year before a name does not."""
    assert name in {text[span.start : span.end] for span in spans_of(text)}


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Which label released the album?", "name"),
        ("Which chemist discovered it?", "person"),
        ("In which port did it land?", "place"),
        ("Which list is longer?", "other"),
    ],
)
def test_nouns_name_the_kind_of_an_answer(question: str, kind: str) -> None:
    """Companies, works and the like bear a name of their own; nouns in -ist are persons unless they are known things."""
    assert answer_kind(question) == kind
