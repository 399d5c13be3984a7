//! A statement's plans, and which files they read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::TryStreamExt;
use object_store::path::Path;

use super::plan::{Plan, PlanRequest, read};
use super::read::OpenTable;
use super::relations::OpenView;
use super::run::within;
use crate::error::{Error, Result};
use crate::generated::{
    AnalyzeReport, ErrorCode, ExplainAnswer, ExplainRequest, ExplainedTable, ExplainedView, Explanation,
    ProvidedRelations,
};
use crate::session::{Session, bounded};
use crate::table::{TableSnapshot, sizes, table_protocol};

impl Session {
    /// Plans the statement and, where `analyze` is set, runs it and throws its rows away.
    pub async fn explain(
        self: &Arc<Self>,
        request: ExplainRequest,
        provided: ProvidedRelations,
    ) -> Result<Explanation> {
        let limits = self.limits();
        let timeout = request.timeout_ms.or(self.effective_profile().defaults.timeout_ms);
        let timeout = timeout.unwrap_or(limits.timeout_ms);
        bounded("timeout_ms", timeout, limits.timeout_ms)?;
        let plan_request = PlanRequest {
            sql: request.sql,
            parameters: request.parameters,
            pins: request.tables,
            gate: request.gate,
            gates: request.gates,
            provided,
            ..PlanRequest::default()
        };
        let session = self.clone();
        let (views, plan, tables, identity) = within(self, async move {
            let read = read(&session, &plan_request).await?;
            let tables = read.tables.iter().map(|open| About::new(&session, &plan_request, open));
            let (tables, identity) = (tables.collect::<Vec<_>>(), read.identity(&session, None)?);
            let views: Vec<_> = read.relations.views.iter().map(explained_view).collect();
            Ok((views, read.plan(&session, None).await?, tables, identity))
        })
        .await?;
        let analyze = match request.analyze {
            true => Some(analyze(&plan, timeout).await?),
            false => None,
        };
        let answer = answer(self, &plan, &tables, views, analyze);
        Ok(Explanation { answer, identity })
    }
}

/// What the request does with a table.
struct About {
    pinned: bool,
    gates: i32,
}

impl About {
    fn new(session: &Session, request: &PlanRequest, open: &OpenTable) -> Self {
        let gates = request.gates(session, &open.table.name).len() + usize::from(open.table.gate.is_some());
        Self {
            pinned: open.pinned,
            gates: gates as i32,
        }
    }
}

fn explained_view(OpenView { view, .. }: &OpenView) -> ExplainedView {
    ExplainedView {
        name: view.name.clone(),
        cache_policy: view.cache_policy,
    }
}

fn answer(
    session: &Session,
    plan: &Plan,
    tables: &[About],
    views: Vec<ExplainedView>,
    analyze: Option<AnalyzeReport>,
) -> ExplainAnswer {
    let physical = DisplayableExecutionPlan::new(plan.physical.as_ref());
    let files = files_read(&plan.physical);
    let filters = filters(&plan.logical);
    let explained = plan.tables.iter().zip(tables);
    ExplainAnswer {
        logical_plan: plan.public_text(&plan.logical.display_indent().to_string()),
        physical_plan: plan.public_text(&physical.indent(false).to_string()),
        tree: plan.public_text(&physical.tree_render().to_string()),
        graphviz: plan.public_text(&plan.logical.display_graphviz().to_string()),
        tables: explained
            .map(|((name, snapshot), about)| explained_table(name, snapshot, about, &files, &filters))
            .collect(),
        views,
        estimated_bytes: estimated_bytes(&plan.physical),
        cache_key: None,
        warnings: plan
            .tables
            .iter()
            .filter_map(|(name, snapshot)| session.protocol_warning(name, snapshot))
            .collect(),
        analyze,
    }
}

fn estimated_bytes(plan: &Arc<dyn ExecutionPlan>) -> Option<i64> {
    let statistics = StatisticsContext::new()
        .compute(plan.as_ref(), &StatisticsArgs::new())
        .ok()?;
    statistics.total_byte_size.get_value().map(|bytes| *bytes as i64)
}

/// The conditions that reach the scans of each table.
fn filters(plan: &LogicalPlan) -> HashMap<String, Vec<String>> {
    let mut filters: HashMap<String, Vec<String>> = HashMap::new();
    // The visitor can't fail.
    let _ = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let known = filters.entry(scan.table_name.table().to_owned()).or_default();
            for text in scan.filters.iter().map(ToString::to_string) {
                if !known.contains(&text) {
                    known.push(text);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    filters
}

impl Plan {
    /// Plans name files by the address of their store.
    fn public_text(&self, text: &str) -> String {
        self.tables
            .iter()
            .fold(text.to_owned(), |text, (_, snapshot)| snapshot.store.public_text(&text))
    }
}

fn explained_table(
    name: &str,
    snapshot: &TableSnapshot,
    about: &About,
    read: &HashMap<String, HashSet<Path>>,
    filters: &HashMap<String, Vec<String>>,
) -> ExplainedTable {
    let version = snapshot.table_version(name);
    let (files_total, size_bytes, _) = sizes(snapshot);
    let files_read = read.get(&snapshot.store.key()).map_or(0, HashSet::len) as i64;
    ExplainedTable {
        name: version.name,
        version: version.version,
        timestamp: version.timestamp,
        uri: version.uri,
        files_total,
        files_pruned: Some(files_total - files_read),
        size_bytes,
        pinned: about.pinned,
        filters: filters.get(name).cloned().unwrap_or_default(),
        gates: about.gates,
        protocol: table_protocol(snapshot.protocol()),
    }
}

/// The files that the plan's scans name, by store.
pub fn files_read(plan: &Arc<dyn ExecutionPlan>) -> HashMap<String, HashSet<Path>> {
    let mut files: HashMap<String, HashSet<Path>> = HashMap::new();
    // The visitor can't fail.
    let _ = plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<DataSourceExec>()
            && let Some(config) = scan.data_source().downcast_ref::<FileScanConfig>()
        {
            let store = config.object_store_url.as_str().trim_end_matches('/').to_owned();
            let names = config.file_groups.iter().flat_map(|group| group.iter());
            files
                .entry(store)
                .or_default()
                .extend(names.map(|file| file.object_meta.location.clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    files
}

async fn analyze(plan: &Plan, timeout_ms: i64) -> Result<AnalyzeReport> {
    let started = Instant::now();
    let stream = execute_stream(plan.physical.clone(), plan.task.clone())?;
    let rows = stream.try_fold(0, async |rows, batch| Ok(rows + batch.num_rows() as i64));
    let row_count = tokio::time::timeout(Duration::from_millis(timeout_ms as u64), rows)
        .await
        .map_err(|_| {
            Error::new(
                ErrorCode::QueryTimeout,
                format!("The query ran longer than its {timeout_ms} ms"),
            )
        })??;
    let metrics = DisplayableExecutionPlan::with_metrics(plan.physical.as_ref())
        .indent(false)
        .to_string();
    Ok(AnalyzeReport {
        metrics: plan.public_text(&metrics),
        row_count,
        elapsed_ms: started.elapsed().as_micros() as f64 / 1000.0,
    })
}
