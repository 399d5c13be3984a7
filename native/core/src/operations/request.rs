//! What the requests of all operations have in common.

use crate::generated::*;

pub trait TableRequest {
    /// What Delta calls the operation.
    const OPERATION: &'static str;

    fn table(&self) -> &DeltaTableRef;
    fn gate(&self) -> Option<&DeltaFeatureGate>;
    fn commit_options(&self) -> Option<&DeltaCommitOptions>;
}

macro_rules! table_requests {
    ($($request:ty => $operation:literal),* $(,)?) => {
        $(impl TableRequest for $request {
            const OPERATION: &'static str = $operation;

            fn table(&self) -> &DeltaTableRef {
                &self.table
            }

            fn gate(&self) -> Option<&DeltaFeatureGate> {
                self.gate.as_ref()
            }

            fn commit_options(&self) -> Option<&DeltaCommitOptions> {
                self.commit_options.as_ref()
            }
        })*
    };
}

table_requests!(
    DeltaAddConstraintsRequest => "ADD CONSTRAINT",
    DeltaAddFeaturesRequest => "ADD FEATURE",
    DeltaCheckpointRequest => "CHECKPOINT",
    DeltaCleanupMetadataRequest => "CLEANUP METADATA",
    DeltaConvertRequest => "CONVERT",
    DeltaCreateRequest => "CREATE TABLE",
    DeltaDataCheckRequest => "DATA CHECK",
    DeltaDeleteRequest => "DELETE",
    DeltaDropConstraintsRequest => "DROP CONSTRAINT",
    DeltaMergeRequest => "MERGE",
    DeltaOptimizeRequest => "OPTIMIZE",
    DeltaRestoreRequest => "RESTORE",
    DeltaSetPropertiesRequest => "SET TBLPROPERTIES",
    DeltaUpdateRequest => "UPDATE",
    DeltaVacuumRequest => "VACUUM",
    DeltaWriteRequest => "WRITE",
);
