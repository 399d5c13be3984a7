//! A physical plan as far as it is the same for each run of a statement; it never runs itself.

use std::sync::{Arc, LazyLock};

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use super::renewal::{again, can_be_template, can_run_again};
use super::rules::{Rules, rules_of_each_run, with_all_rules};

static OF_EACH_RUN: LazyLock<Rules> = LazyLock::new(rules_of_each_run);

#[derive(Clone)]
pub struct Template {
    plan: Arc<dyn ExecutionPlan>,
    /// Whether the rules of each run were applied to it, since its operators learn nothing while they run.
    is_finished: bool,
}

impl Template {
    pub async fn planned(state: &SessionState, logical: &LogicalPlan) -> Result<Self> {
        // The text of a plan is made while it is planned.
        if matches!(logical, LogicalPlan::Explain(_)) {
            let state = with_all_rules(state.clone());
            let plan = state.query_planner().create_physical_plan(logical, &state).await?;
            return Ok(Self::of_finished(plan));
        }
        let plan = state.query_planner().create_physical_plan(logical, state).await?;
        Ok(Self {
            plan,
            is_finished: false,
        })
    }

    pub fn of_finished(plan: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            plan,
            is_finished: true,
        }
    }

    /// What runs, where it does so once.
    pub fn finished(self, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        match self.is_finished {
            true => Ok(self.plan),
            false => OF_EACH_RUN
                .iter()
                .try_fold(self.plan, |plan, rule| rule.optimize(plan, config)),
        }
    }

    /// What runs, and what later runs are made of, if that can be.
    pub fn first_run(self, config: &ConfigOptions) -> Result<(Arc<dyn ExecutionPlan>, Option<Self>)> {
        let plan = self.clone().finished(config)?;
        if can_run_again(&plan) {
            return Ok((again(&plan)?, Some(Self::of_finished(plan))));
        }
        let template = match !self.is_finished && can_be_template(&self.plan) {
            true => Some(Self {
                plan: again(&self.plan)?,
                is_finished: false,
            }),
            false => None,
        };
        Ok((plan, template))
    }

    /// What runs one more time, with operators of its own.
    pub fn run(&self, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let anew = Self {
            plan: again(&self.plan)?,
            is_finished: self.is_finished,
        };
        anew.finished(config)
    }
}
