"""What must be right before the first call: keys, prices for budgets, and the cost if it is high."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.experiment import Plan
from promptlab.experiment.judges import check_judges
from promptlab.models.pricing import is_free, price_gap, price_of
from promptlab.sandbox import confinement

if TYPE_CHECKING:
    from promptlab.runs.estimating import Estimate

Tell = Callable[[str], None]
# Raises UsageError where this is not to be spent.
Approve = Callable[["Estimate"], None]
# Trials of a cell that are looked at before the question what it will cost: it must not take long.
QUESTION_TRIALS = 40


def check(
    plan: Plan,
    home: Path,
    *,
    fresh: bool,
    use_cache: bool,
    trials: bool,
    tell: Tell,
    approve: Approve | None,
) -> None:
    """Raises UsageError, or what `approve` raises.

    Without missing `trials` only the judges will be asked.
    """
    plan.check_code()
    if plan.runs_code and confinement().gap:
        tell(f"programs run unconfined, with your rights (`allow_unsafe_code`): {confinement().gap}")
    models = {each.model.name: each.model for each in plan.scoring.judges.values()}
    if trials:
        plan.check_keys()
        plan.check_prices()
        models |= plan.chosen_models
    check_judges(plan.loaded, plan.scoring.judges.values(), plan.limits())
    rates = plan.limits().rates
    prices = {name: price_of(model) for name, model in models.items()}
    gaps = [
        f"the price of {name} {gap}" for name, price in prices.items() if (gap := price_gap(price, rates))
    ]
    if gaps:
        tell(f"{'; '.join(gaps)}: what this run costs cannot be said")
    limits = plan.spec.limits
    bounded = limits.budget_usd is not None and limits.budget_usd <= limits.confirm_usd
    if approve is None or bounded or len(gaps) == len(prices) or all(map(is_free, prices.values())):
        return
    from promptlab.runs.estimating import estimate

    cost = estimate(plan, home, fresh=fresh, use_cache=use_cache, sampled_trials=QUESTION_TRIALS)
    if cost.known_usd.expected > limits.confirm_usd:
        approve(cost)
