"""A build against its baseline: a verdict for every rule, and the first stage that made something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from da4ml_flow.errors import ConfigError, ConfigProblem, Da4mlError, Location
from da4ml_flow.regress.baseline import FINGERPRINTS, Baseline, Level, Rule
from da4ml_flow.results.metrics import METRICS, Metric
from da4ml_flow.results.record import RunRecord

Verdict = Literal['ok', 'better', 'worse', 'missing', 'unset', 'no']
BAD: frozenset[Verdict] = frozenset({'worse', 'missing', 'unset', 'no'})
REGRESSION = 1


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a rule, or of a stage that said no; ``now`` is None where nothing was measured."""

    key: str
    verdict: Verdict
    level: Level
    text: str
    now: float | None = None
    rule: Rule | None = None

    @property
    def bad(self) -> bool:
        return self.verdict in BAD

    @property
    def failed(self) -> bool:
        return self.bad and self.level == 'error'


@dataclass(frozen=True, slots=True)
class Comparison:
    """A baseline and its build; ``unruled`` are the figures that no rule is about."""

    baseline: Baseline
    checks: tuple[Check, ...] = ()
    unruled: tuple[Metric, ...] = ()
    hashes: Mapping[str, str] | None = None
    run_uid: str = ''
    wall_s: float = 0.0
    errors: tuple[Da4mlError, ...] = ()

    @property
    def exit_code(self) -> int:
        """That of the worst error of the build, else 1 after a regression."""
        codes = [error.exit_code for error in self.errors]
        return max([*codes, REGRESSION if any(check.failed for check in self.checks) else 0])

    @property
    def status(self) -> str:
        if self.errors:
            return 'failed'
        return 'regression' if self.exit_code else 'ok'

    @property
    def first_change(self) -> str | None:
        """The first stage whose artifact is not the recorded one, None if there is none."""
        now, before = self.hashes or {}, self.baseline.hashes
        changed = [name for name in FINGERPRINTS if name in now and name in before and now[name] != before[name]]
        return FINGERPRINTS[changed[0]] if changed else None

    @property
    def origin(self) -> str:
        """Where a change of the figures came from, in words."""
        if self.first_change is not None:
            artifact = next(name for name, stage in FINGERPRINTS.items() if stage == self.first_change)
            return f'first change: stage {self.first_change} (its {artifact})'
        if not set(self.baseline.hashes) & set(self.hashes or {}):
            return 'first change: unknown, the baseline has no hashes'
        return 'no recorded artifact changed'

    def relaxed(self) -> dict[str, float]:
        """New values for the rules that fail."""
        return {check.key: check.now for check in self.checks if check.bad and check.rule and check.now is not None}

    def tightened(self) -> dict[str, float]:
        """New values for the figures that improved."""
        return {check.key: check.now for check in self.checks if check.verdict == 'better' and check.now is not None}


def compare(baseline: Baseline, run: RunRecord, clock_ns: float, errors: tuple[Da4mlError, ...] = ()) -> Comparison:
    """Check a run; raises ConfigError if a rule is about figures of several stages."""
    found = [(rule, _measured(rule, run, baseline)) for rule in baseline.rules]
    checks = [_check(rule, metric, clock_ns, seeds_of(metric, run.metrics)) for rule, metric in found]
    checks += [
        Check(f'build/{stage.stage}', 'no', 'error', stage.message) for stage in run.stages if stage.status == 'no'
    ]
    ruled = {id(metric) for _, metric in found}
    ruled |= {id(seed) for _, metric in found for seed in seeds_of(metric, run.metrics)}
    return Comparison(
        baseline=baseline,
        checks=tuple(checks),
        unruled=tuple(metric for metric in run.metrics if id(metric) not in ruled),
        hashes={
            name: stage.record.artifacts[name].sha256
            for name in FINGERPRINTS
            for stage in run.stages
            if stage.record and name in stage.record.artifacts
        },
        run_uid=run.uid,
        wall_s=run.wall_s,
        errors=errors,
    )


def exact(value: float) -> str:
    """A figure as it is compared, not rounded for show."""
    return f'{int(value):,}' if float(value).is_integer() else f'{value:,}'


def with_unit(value: float, rule: Rule) -> str:
    return f'{exact(value)} {METRICS[rule.metric].unit}'.rstrip()


def metric_key(metric: Metric) -> str:
    """The key of a rule about exactly this figure."""
    return '/'.join(part for part in (metric.name, metric.stage, metric.part) if part)


def _measured(rule: Rule, run: RunRecord, baseline: Baseline) -> Metric | None:
    """The figure that a rule is about: of several parts of one stage (seeds, modules) the first, which is the whole."""
    name, stage, part = (*rule.key.split('/', 2), '', '')[:3]
    fitting = [
        metric
        for metric in run.metrics
        if metric.name == name and stage in ('', metric.stage) and part in ('', metric.part)
    ]
    stages = list(dict.fromkeys(metric.stage for metric in fitting))
    if len(stages) > 1:
        problem = ConfigProblem(
            f'{name} is measured by {len(stages)} stages',
            location=Location(str(baseline.path), rule.line),
            context=f'rules.{rule.key}',
            hint=f'write {" or ".join(f"{name}/{item}" for item in stages)}',
            code='DA2006',
        )
        raise ConfigError([problem], str(baseline.path))
    return fitting[0] if fitting else None


def seeds_of(whole: Metric | None, metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """The same figure of each seed of place and route; the whole is their median."""
    if whole is None:
        return ()
    return tuple(
        metric
        for metric in metrics
        if (metric.name, metric.stage) == (whole.name, whole.stage) and metric.part.startswith(f'{whole.part} seed ')
    )


def _check(rule: Rule, metric: Metric | None, clock_ns: float, seeds: Sequence[Metric] = ()) -> Check:
    if metric is None:
        return Check(rule.key, 'missing', rule.level, 'not measured by this build', rule=rule)
    now, value = metric.value, rule.value
    shown = with_unit(now, rule)
    if value is None:
        return Check(rule.key, 'unset', rule.level, f'{shown}, the baseline has no value yet', now, rule)
    values = [seed.value for seed in seeds]
    if values:
        shown += f' ({len(values)} seeds: {exact(min(values))} to {exact(max(values))})'
    margin = rule.tolerance.margin(value, clock_ns, max(values) - min(values) if values else 0.0)
    tiny = 1e-9 * max(1.0, abs(value))  # decimal figures, binary sums
    loss = {'<=': now - value, '>=': value - now, '==': abs(now - value)}[rule.compare]
    limit = f'{rule.compare} {exact(value)}' + (f' with a tolerance of {rule.tolerance}' if margin else '')
    if loss > margin + tiny:
        return Check(rule.key, 'worse', rule.level, f'{shown} is not {limit}', now, rule)
    return Check(rule.key, 'better' if loss < -tiny else 'ok', rule.level, f'{shown} is {limit}', now, rule)
