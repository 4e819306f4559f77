"""The trimming benchmark."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from agentcore.decoding.trimming import Answer, TrimmingConfig, Verdict
from agentcore.errors import ConfigurationError
from agentcore.evaluation.trimming import Setting, run
from agentcore.evaluation.trimming_detectors import caution_curve, trimmer
from agentcore.evaluation.trimming_live import easy_problems, read_problems, run_live
from agentcore.evaluation.trimming_metrics import Row, group_metrics
from agentcore.evaluation.trimming_online import Load
from agentcore.evaluation.trimming_server import serving_traces
from agentcore.evaluation.trimming_traces import Cut, Trace, is_right, read_traces, replay
from agentcore.evaluation.trimming_verifiers import signal_for
from agentcore.models import path_of

TRACES = Path(__file__).parents[2].parent / "shared" / "data" / "reasoning_traces_dev.jsonl"
ROW = {
    "id": "a", "dataset": "D", "problem_id": "p", "problem": "How many eggs are left in total?", "gold": "7", "model": "M",
    "trace": "So 12 - 5 = 7. So 7 eggs are left in total.\n\nWait, let me double-check all of that once more from the beginning. " * 12, "final_answer": "7", "correct": True,
    "finished": True, "tokens": 300,
}  # fmt: skip
TRACE = Trace("a", "D", "p", "q", "7", "M", "x" * 100, "7", True, True, 50)


class At:
    """A detector that fires at a character."""

    def __init__(self, position: int, answer: str | None) -> None:
        self.position, self.answer, self.seen = position, answer, 0

    def push(self, text: str) -> Verdict | None:
        self.seen += len(text)
        value = Answer(self.answer) if self.answer else None
        return Verdict("over_thinking", 0, value) if self.seen >= self.position else None


def test_what_was_sent_counts_as_kept() -> None:
    """A detector that fires inside a piece keeps the whole piece: tokens that were generated are never called saved."""
    cut = replay(TRACE, At(41, "7"), tokens_per_piece=10, best=lambda: None)
    assert (cut.kept, cut.answer) == (0.6, "7")
    assert replay(TRACE, At(100, "8"), tokens_per_piece=10, best=lambda: None) == Cut(1.0, "7")


@pytest.mark.parametrize(
    ("answer", "final", "correct", "right"),
    [
        ("7.0", "7", True, True),
        ("8", "7", True, False),
        ("8", "8", False, False),
        (None, "7", True, False),
        ("7", "8", False, True),
    ],
)
def test_right_and_wrong_after_a_cut(answer: str | None, final: str, correct: bool, right: bool) -> None:
    """An answer equal to the trace's own keeps the file's judgement, any other is compared with the gold one."""
    assert is_right(answer, replace(TRACE, final_answer=final, correct=correct)) is right


def test_figures_of_a_group() -> None:
    """Traces weigh one, tokens weigh in micro figures, and only a right answer lost is a false cut."""
    long = replace(TRACE, id="b", problem_id="q", tokens=150)
    rows = [Row.of(TRACE, Cut(0.5, "7"), 0.25), Row.of(long, Cut(0.9, "8"), 1.0)]
    figures = group_metrics(rows)
    assert figures["tokens_kept"] == pytest.approx(0.7)
    assert figures["tokens_kept_micro"] == pytest.approx((0.5 * 50 + 0.9 * 150) / 200)
    assert figures["share_of_oracle"] == pytest.approx(0.6 / 0.75)
    assert (figures["accuracy_before"], figures["accuracy_after"], figures["false_cut_rate"]) == (
        1.0,
        0.5,
        0.5,
    )


@pytest.mark.parametrize("caution", [9, 11, 14])
def test_the_curve_equals_single_runs(caution: int) -> None:
    """One pass over all cautions cuts where a run of each would."""
    text = str(ROW["trace"])
    trace = replace(TRACE, problem=str(ROW["problem"]), text=text, tokens=len(text) // 3)
    single = trimmer(TrimmingConfig(caution=caution), budget=1000)(trace)
    assert caution_curve(trace, TrimmingConfig(), budget=1000)[caution] == single
    assert single.kept < 1.0


def test_a_run_prints_names_that_users_rely_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The result has the documented names, a table stands on stdout, and the file is written."""
    data = tmp_path / "traces.jsonl"
    rows = [
        ROW,
        {**ROW, "id": "b", "problem_id": "q", "finished": False, "final_answer": None, "correct": False},
    ]
    data.write_text("\n".join(map(json.dumps, rows)))
    load = Load(streams=2, tokens_per_second=0, tokens=50, repeats=1, verifier_delay_s=0.05)
    result = run(data, out=tmp_path / "out", setting=Setting(workers=1, load=load))
    names = {
        "tokens_kept",
        "tokens_kept_micro",
        "oracle_tokens_kept",
        "share_of_oracle",
        "accuracy_before",
        "accuracy_after",
        "false_cut_rate",
    }
    for group in ("finished", "unfinished", "all"):
        assert names <= set(result["metrics"][group])
    assert result["metrics"]["decoder_wait_ms"] == 0.0
    assert 0.0 <= result["metrics"]["late_verdicts"] <= 1.0
    assert {"untrimmed", "oracle", "paper", "dynasor_mid_replayed"} <= set(result["baselines"])
    assert result["baselines"]["untrimmed"]["finished"]["tokens_kept"] == 1.0
    assert json.loads((tmp_path / "out" / "trimming.json").read_text()) == json.loads(json.dumps(result))
    assert "default" in capsys.readouterr().out


def test_a_served_signal_is_replayed_like_a_rule(tmp_path: Path) -> None:
    """The paper's rule as the online system runs it gives a row of its own, and an unknown name is told."""
    data = tmp_path / "traces.jsonl"
    data.write_text(json.dumps(ROW))
    result = run(data, compare=["verifier_rule"], json_only=True, setting=Setting(workers=1, load=None))
    row = result["baselines"]["verifier_rule"]
    assert row["finished"]["tokens_kept"] < 1.0
    assert row["verifier_tokens"] == 0
    assert "default_on_sample" in result["baselines"]
    with pytest.raises(ConfigurationError, match="nothing to compare is called 'best'"):
        run(data, compare=["best"], json_only=True)


def test_problems_are_a_seeded_sample(tmp_path: Path) -> None:
    """Of a longer file the same problems are taken each time, and from all of it."""
    path = tmp_path / "problems.jsonl"
    path.write_text("\n".join(json.dumps({"question": str(index), "answer": index}) for index in range(50)))
    some = read_problems(path, limit=10)
    assert some == read_problems(path, limit=10) != read_problems(path, limit=10, seed=8)
    assert len({problem.question for problem in some}) == 10
    assert len(read_problems(path, limit=99)) == 50


def test_a_model_verifier_has_a_row_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A verifier named by its address is replayed and streamed to, and its row names it with its late verdicts and waits."""
    data = tmp_path / "traces.jsonl"
    data.write_text(json.dumps(ROW))
    load = Load(streams=1, tokens_per_second=0, tokens=50, repeats=1, verifier_delay_s=0.01)
    with serving_traces([]) as server:
        result = run(
            data,
            compare=["verifier_llm", "verifier_cascade", "none"],
            models=[f"openai:judge@{server.base_url}"],
            setting=Setting(workers=1, load=load),
        )
    for name in ("verifier_llm/judge", "verifier_cascade/judge"):
        row = result["baselines"][name]
        assert row["finished"]["tokens_kept"] < 1.0
        assert row["verifier_tokens"] > 0
        assert row["decoder_wait_ms"] == 0.0
        assert 0.0 <= row["late_verdicts"] <= 1.0
        assert (row["model"], row["model_sha256"]) == ("judge", "")
    assert "paper" not in result["baselines"]
    printed = capsys.readouterr().out
    assert "verifier_llm/judge (1)" in printed
    assert all(title in printed for title in ("finished traces (1)", "all traces (1)", "late %", "wait ms"))


def test_a_probe_needs_a_model_that_is_there(tmp_path: Path) -> None:
    """A model that nothing is known of is told in one line with what can be named."""
    data = tmp_path / "traces.jsonl"
    data.write_text(json.dumps(ROW))
    with pytest.raises(ConfigurationError, match="'gpt' is no verifier: use local, gguf:"):
        run(data, compare=["deer_95"], models=["gpt"], json_only=True, setting=Setting(workers=1, load=None))
    with pytest.raises(ConfigurationError, match="needs a model"):
        signal_for("deer_95", TrimmingConfig())


@pytest.mark.slow
def test_the_embedded_model_verifies_and_probes(tmp_path: Path) -> None:
    """The embedded model gives the rows of a verifier and of DEER, its tokens counted."""
    if path_of("smollm2") is None:
        pytest.skip("the model is not on this machine: agentcore models pull smollm2")
    data = tmp_path / "traces.jsonl"
    data.write_text(json.dumps(ROW))
    names = ["verifier_cascade", "deer_95", "none"]
    result = run(data, compare=names, json_only=True, setting=Setting(workers=1, load=None))
    for name in ("verifier_cascade/smollm2", "deer_95/smollm2"):
        assert result["baselines"][name]["verifier_tokens"] > 0
        assert len(result["baselines"][name]["model_sha256"]) == 64


@pytest.mark.parametrize(
    ("content", "message"), [("", "holds no trace"), ("{", "is no trace"), ('{"id": 1}', "each line needs")]
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    """A file that holds no traces is named with what it should hold."""
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        read_traces(path)
    with pytest.raises(ConfigurationError, match="no file"):
        read_traces(tmp_path / "missing.jsonl")


def test_a_trace_may_come_without_its_problem(tmp_path: Path) -> None:
    """A recording of a thinking alone can be read: its problem is empty."""
    path = tmp_path / "traces.jsonl"
    path.write_text(json.dumps({name: value for name, value in ROW.items() if name != "problem"}))
    assert [trace.problem for trace in read_traces(path)] == [""]


@pytest.fixture(scope="module")
def result() -> dict[str, dict[str, dict[str, float]]]:
    if not TRACES.exists():
        pytest.skip(f"the recorded traces are not at {TRACES}")
    return run(TRACES, compare=["none"], json_only=True, setting=Setting(load=None))


def test_the_default_saves_without_harm(result: dict[str, dict[str, dict[str, float]]]) -> None:
    """On recorded traces the default saves at least .3 of the oracle's saving at no more than 1 % false cuts."""
    finished = result["metrics"]["finished"]
    assert finished["share_of_oracle"] >= 0.30
    assert finished["false_cut_rate"] <= 0.01
    assert abs(finished["accuracy_after"] - finished["accuracy_before"]) <= 0.01


def test_runaway_traces_are_stopped(result: dict[str, dict[str, dict[str, float]]]) -> None:
    """Of the tokens of unfinished traces at least 60 % are saved, and at least 30 % per trace."""
    unfinished = result["metrics"]["unfinished"]
    assert unfinished["tokens_kept_micro"] <= 0.40
    assert unfinished["tokens_kept"] <= 0.70


def test_the_default_is_not_fitted_to_one_model(result: dict[str, dict[str, dict[str, float]]]) -> None:
    """With the caution chosen on the other models, or the other data sets, the left-out ones still hold the floor."""
    for kind in ("model", "dataset"):
        finished = result["leave_out"][kind]["finished"]
        assert finished["share_of_oracle"] >= 0.25  # type: ignore[index]
        assert finished["false_cut_rate"] <= 0.02  # type: ignore[index]


def test_live_answers_are_scored_in_pairs(tmp_path: Path) -> None:
    """Each problem is answered untouched and trimmed by the same model, and right answers are recognised."""
    problems = easy_problems(4)
    assert easy_problems(4) == problems
    answers = iter(
        AIMessage(f"So it is so. The final answer is {problem.answer}.")
        for problem in problems
        for _ in range(2)
    )
    result = run_live(GenericFakeChatModel(messages=answers), problems)
    assert result["kinds"]["easy"]["untrimmed"]["accuracy"] == 1.0
    assert result["kinds"]["easy"]["trimmed"]["accuracy"] == 1.0
    assert result["kinds"]["easy"]["pairs"] == {
        "cut": 0,
        "tokens_saved": 0,
        "tokens_saved_estimated": 0,
        "right_answers_lost": 0,
        "right_answers_won": 0,
    }
    with pytest.raises(ConfigurationError, match="no problems"):
        read_problems(tmp_path / "missing.jsonl", limit=3)
