//! Deletes rows.

use std::sync::Arc;

use super::report::Report;
use super::task::Task;
use crate::commit::Isolation;
use crate::error::Result;
use crate::generated::DeltaDeleteRequest;

pub async fn delete(task: &Task, request: &DeltaDeleteRequest) -> Result<Report> {
    task.check_expressions([("predicate", &request.predicate)])?;
    // Without a predicate the library removes whole files and reads none.
    let predicate = Some(&request.predicate).filter(|text| !text.trim().eq_ignore_ascii_case("true"));
    let done = task.commit(Isolation::Serial, true, async |base| {
        let predicate = predicate.map(|sql| task.expression(sql, &base)).transpose()?;
        let session = base.session()?;
        let mut builder = base
            .table()
            .await?
            .delete()
            .with_session_state(Arc::new(session))
            .with_writer_properties(base.file_layout())
            .with_commit_properties(base.properties);
        if let Some(predicate) = predicate {
            builder = builder.with_predicate(predicate);
        }
        builder.await.map(drop)
    });
    Ok(done.await?.mutation())
}
