"""Ask the agent questions with known answers and evidence: `agentcore bench agent --data FILE`.

Measured: whether the evidence is found, whether the answer is right, whether citations hold, whether a missing
answer is noticed, and what it costs. Beside it, on the same corpus and with the same model: `single_shot_rag` (few-shot
completion from the first two passages of the agent's own two-hop search, its best form known here), `one_search_rag` (the
same from one plain search), `random_choice` (the same workflow, the model's choices drawn by lot under the same grammar)
and `no_model` (the same workflow, candidates chosen by retrieval alone). What it cannot tell:
how answers longer than a few words would do. Seconds of the baselines profit from searches already made.
"""

from __future__ import annotations

import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from agentcore.agent import Agent
from agentcore.backbones import load_backbone
from agentcore.evaluation.agent_baselines import Hiding, RandomModel, Remembering, single_shot_answer
from agentcore.evaluation.agent_metrics import Row, metrics_of
from agentcore.evaluation.agent_questions import Question, QuestionSet, load_questions
from agentcore.result import Result
from agentcore.workflow.citations import is_valid
from agentcore.workflow.dependencies import WorkflowSettings
from agentcore.workflow.reading.choosers import Chooser, LinkedChooser, RandomChooser
from agentcore.workflow.reading.passages import Searchable
from agentcore.workflow.reading.settings import ReaderSettings

__all__ = ["Setting", "print_result", "run"]

_BASELINES = ("single_shot_rag", "one_search_rag", "random_choice", "no_model")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run of the benchmark uses.

    Attributes
    ----------
    backbone : str
        Which model answers.
    limit : int or None
        Only the first few questions.
    without_gold : bool
        Whether every question is asked again with its gold documents taken out.
    seed : int
        Of the lots drawn by `random_choice`.
    model_sha256 : str
        Of the file behind a remote backbone, for the record; a local one knows its own.
    """

    backbone: str = "local"
    limit: int | None = None
    without_gold: bool = True
    seed: int = 0
    model_sha256: str = ""
    workflow: WorkflowSettings = WorkflowSettings()  # noqa: RUF009 - frozen
    reading: ReaderSettings = ReaderSettings()  # noqa: RUF009 - frozen


def run(
    data: Path | None = None,
    *,
    out: Path | None = None,
    compare: tuple[str, ...] = _BASELINES,
    json_only: bool = False,
    setting: Setting | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Run the benchmark, print a table unless `json_only`, and return the result.

    Parameters
    ----------
    data : Path or None
        See :func:`agentcore.evaluation.agent_questions.load_questions`.
    out : Path, optional
        Folder that gets the result and every single answer.
    compare : tuple of str
        Baselines.
    progress : callable
        Told (who, done, total).

    Raises
    ------
    ConfigurationError
        The data cannot be used, or a baseline is unknown.
    """
    setting = setting or Setting()
    unknown = [name for name in compare if name not in _BASELINES]
    if unknown:
        from agentcore.errors import ConfigurationError

        raise ConfigurationError(f"unknown baseline {unknown[0]!r}: use one of {', '.join(_BASELINES)}")
    questions = load_questions(data, limit=setting.limit)
    model = load_backbone(setting.backbone)
    started = time.perf_counter()
    corpus = Remembering(questions.corpus)
    ask = _Asker(model, setting, progress)
    rows = ask.all("agent", questions, corpus)
    missing = ask.without_gold("agent without gold", questions, corpus) if setting.without_gold else []
    answers = {"agent": rows, "agent_without_gold": missing}
    result: dict[str, Any] = {
        "bench": "agent",
        "data": questions.name,
        "metrics": metrics_of(rows, missing),
        "baselines": {},
    }
    for name in compare:
        answers[name] = ask.baseline(name, questions, corpus)
        result["baselines"][name] = metrics_of(answers[name], [])
    result["by_kind"] = {
        kind: metrics_of([row for row in rows if row.question.kind == kind], [])["answer_f1"]
        for kind in sorted({row.question.kind for row in rows})
    }
    result["settings"] = {**asdict(setting), "questions": len(rows), "documents": len(corpus.sources)}
    result["environment"] = _environment(model, setting, time.perf_counter() - started)
    if not json_only:
        print_result(result)
    if out is not None:
        _save(out, result, answers)
    return result


class _Asker:
    """Asks all questions, one way after the other."""

    def __init__(
        self, model: BaseChatModel, setting: Setting, progress: Callable[[str, int, int], None]
    ) -> None:
        self._model = model
        self._setting = setting
        self._progress = progress

    def all(
        self,
        name: str,
        questions: QuestionSet,
        corpus: Searchable,
        *,
        model: BaseChatModel | None = None,
        chooser: Chooser | None = None,
    ) -> list[Row]:
        """Ask every question of the whole corpus."""
        workflow = (
            self._setting.workflow if chooser is None else replace(self._setting.workflow, phrase=False)
        )
        with tempfile.TemporaryDirectory() as folder:
            agent = Agent(
                model or self._model,
                corpus=corpus,
                runs=Path(folder) / "runs.db",
                chooser=chooser,
                settings=workflow,
                reading=self._setting.reading,
            )
            rows = []
            for number, question in enumerate(questions.questions, start=1):
                rows.append(_row(question, agent.run(question.text), corpus))
                if name:
                    self._progress(name, number, len(questions.questions))
        return rows

    def without_gold(self, name: str, questions: QuestionSet, corpus: Searchable) -> list[Row]:
        """Ask every question that has gold documents of the corpus without them."""
        rows = []
        with_gold = [question for question in questions.questions if question.gold]
        for number, question in enumerate(with_gold, start=1):
            hiding = Hiding(corpus, question.gold)
            rows += self.all("", replace(questions, questions=(question,)), hiding)
            self._progress(name, number, len(with_gold))
        return rows

    def baseline(self, name: str, questions: QuestionSet, corpus: Searchable) -> list[Row]:
        """Ask every question the way a baseline does."""
        if name == "random_choice":
            chooser: Chooser = RandomChooser(self._setting.seed)
            return self.all(
                name, questions, corpus, model=RandomModel(seed=self._setting.seed), chooser=chooser
            )
        if name == "no_model":
            nobody = RandomModel(seed=self._setting.seed)
            once = replace(self._setting, workflow=replace(self._setting.workflow, max_rounds=1))
            asker = _Asker(nobody, once, self._progress)
            return asker.all(name, questions, corpus, chooser=LinkedChooser(self._setting.reading))
        rows = []
        for number, question in enumerate(questions.questions, start=1):
            hops = 1 if name == "one_search_rag" else 2
            rows.append(self._single_shot(question, corpus, hops=hops))
            self._progress(name, number, len(questions.questions))
        return rows

    def _single_shot(self, question: Question, corpus: Searchable, *, hops: int) -> Row:
        """Count one answer of single-shot retrieval-augmented generation; it cites the passages it read."""
        began = time.perf_counter()
        reading = self._setting.reading
        shot = single_shot_answer(self._model, question.text, corpus, settings=reading, hops=hops)
        return Row(
            question=question,
            answer=shot.answer,
            ledger=tuple(passage.source for passage in shot.passages),
            valid=sum(corpus.snapshot(p.sha256)[p.start : p.end] == p.text for p in shot.read),
            precise=sum(passage.source in question.gold for passage in shot.read),
            cited=len(shot.read),
            found=shot.passages[0].score if shot.passages else 0.0,
            model_calls=1,
            tool_calls=shot.searches,
            tokens=shot.tokens,
            seconds=time.perf_counter() - began,
        )


def _row(question: Question, result: Result, corpus: Searchable) -> Row:
    """Count one result of the agent."""
    failed = [e for e in result.trace if e.type == "tool_result" and e.data.get("invalid")]
    return Row(
        question=question,
        answer=result.answer if result.is_found else "",
        ledger=tuple(result.details["sources"]),
        valid=sum(is_valid(citation, corpus.snapshot) for citation in result.citations),
        precise=sum(citation.source in question.gold for citation in result.citations),
        cited=len(result.citations),
        found=float(result.details["found_probability"]),
        invalid_tool_calls=len(failed),
        model_calls=int(result.usage["model_calls"]),
        tool_calls=int(result.usage["tool_calls"]),
        tokens=int(result.usage["tokens"]),
        seconds=float(result.usage["seconds"]),
    )


def _environment(model: Any, setting: Setting, seconds: float) -> dict[str, Any]:
    """Describe where and with what this was measured."""
    return {
        "model": getattr(model, "model_name", ""),
        "model_sha256": getattr(model, "model_digest", "") or setting.model_sha256,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "agentcore": version("agentcore-runtime"),
        "bench_seconds": round(seconds, 1),
    }


def print_result(result: dict[str, Any]) -> None:
    """Print agent and baselines side by side."""
    columns = {"agent": result["metrics"], **result["baselines"]}
    table = Table(title=f"agent: {result['data']}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    for name in columns:
        table.add_column(
            name.replace("_", " "), justify="right"
        )  # a column as wide as its numbers: five fit into 80
    for metric in result["metrics"]:
        table.add_row(metric, *(_figure(column[metric]) for column in columns.values()))
    Console().print(table)


def _figure(value: float | None) -> str:
    """Return a value in at most seven characters."""
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 100 else f"{value:.0f}"


def _save(out: Path, result: dict[str, Any], answers: dict[str, list[Row]]) -> None:
    """Write the result and, one a line, every answer."""
    out.mkdir(parents=True, exist_ok=True)
    stem = f"agent-{Path(result['data']).stem}"
    if result["settings"]["backbone"] != "local":  # each model has a file beside the embedded one's
        stem += "-" + re.sub(r"[^A-Za-z0-9._]+", "-", result["environment"]["model"])
    (out / f"{stem}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    with (out / f"{stem}-answers.jsonl").open("w", encoding="utf-8") as file:
        for name, rows in answers.items():
            for row in rows:
                values = {**asdict(row), "question": row.question.text, "gold_answer": row.question.answer}
                file.write(
                    json.dumps({"run": name, **values, "ledger": row.ledger[:10]}, ensure_ascii=False) + "\n"
                )
