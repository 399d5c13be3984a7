//! What this engine does with each feature of Delta, each a row of one table.

use crate::generated::FeatureSupport;

/// The highest versions: from these on a table lists its features.
pub const MAX_READER_VERSION: i32 = 3;
pub const MAX_WRITER_VERSION: i32 = 7;

pub struct Feature {
    pub name: &'static str,
    /// Whether readers must know it too.
    pub binds_readers: bool,
    pub support: Support,
}

/// What is done with tables that have the feature, and if not all, why.
#[derive(Clone, Copy)]
pub enum Support {
    Full,
    ReadOnly(&'static str),
    None(&'static str),
}

use Support::{Full, ReadOnly};

const WIDENED: &str = "The Delta library does not read columns whose type was widened";
const VACUUM: &str = "The Delta library does not know the check that readers must make";
const SHREDDED: &str = "The Delta library does not read variants that are shredded into columns";
const NANOS: &str = "The Delta library is built without timestamps in nanoseconds";
const MANAGED: &str = "Its commits are kept by a catalog, which the engine does not ask";
const SHAPES: &str = "The Delta library does not read geometries and geographies";
const ADAPTIVE: &str = "The Delta library does not read adaptive metadata";
const ICEBERG: &str = "The engine does not keep to Iceberg's rules when it writes";

/// By name. `DeltaScan` and the commits of deltalake-core 1.1.3 (`ProtocolChecker`) decide what is possible; a feature
/// that they would write without keeping its promise is not written here.
pub const FEATURES: [Feature; 32] = [
    reader("adaptiveMetadata-preview", Support::None(ADAPTIVE)),
    writer(
        "allowColumnDefaults",
        ReadOnly("The engine does not fill in the defaults of columns"),
    ),
    writer("appendOnly", Full),
    reader("catalogManaged", Support::None(MANAGED)),
    reader("catalogOwned-preview", Support::None(MANAGED)),
    writer("changeDataFeed", Full),
    writer("checkConstraints", Full),
    writer(
        "checkpointProtection",
        ReadOnly("The engine does not know which checkpoints must be kept"),
    ),
    writer(
        "clustering",
        ReadOnly("The engine does not cluster the rows that it writes"),
    ),
    reader("columnMapping", Full),
    reader("deletionVectors", Full),
    writer(
        "domainMetadata",
        ReadOnly("The engine does not keep the metadata of domains"),
    ),
    writer("generatedColumns", Full),
    reader("geospatial", Support::None(SHAPES)),
    writer("icebergCompatV1", ReadOnly(ICEBERG)),
    writer("icebergCompatV2", ReadOnly(ICEBERG)),
    writer("icebergCompatV3", ReadOnly(ICEBERG)),
    writer(
        "identityColumns",
        ReadOnly("The engine does not number the values of identity columns"),
    ),
    writer(
        "inCommitTimestamp",
        ReadOnly("The engine does not record the time inside of a commit"),
    ),
    writer("invariants", Full),
    writer(
        "materializePartitionColumns",
        ReadOnly("The engine does not write partition columns into data files"),
    ),
    writer(
        "rowTracking",
        ReadOnly("The engine does not number the rows that it writes"),
    ),
    reader("timestampNanos", Support::None(NANOS)),
    reader("timestampNtz", Full),
    reader("typeWidening", Support::None(WIDENED)),
    reader("typeWidening-preview", Support::None(WIDENED)),
    reader("v2Checkpoint", Full),
    reader("vacuumProtocolCheck", Support::None(VACUUM)),
    reader("variantShredding", Support::None(SHREDDED)),
    reader("variantShredding-preview", Support::None(SHREDDED)),
    reader("variantType", Full),
    reader("variantType-preview", Full),
];

/// The features that a writer version below 7 implies, each from the version on that it stands beside.
pub const IMPLIED_FOR_WRITERS: [(i32, &str); 7] = [
    (2, "appendOnly"),
    (2, "invariants"),
    (3, "checkConstraints"),
    (4, "changeDataFeed"),
    (4, "generatedColumns"),
    (5, "columnMapping"),
    (6, "identityColumns"),
];

/// What is done with a feature; one that is not in the table stands in nobody's way who need not know it.
pub fn support_of(feature: &str, binds_readers: bool) -> FeatureSupport {
    const UNKNOWN: &str = "The engine does not know the feature";
    let row = FEATURES.iter().find(|row| row.name == feature);
    let support = match row {
        Some(row) => row.support,
        None if binds_readers => Support::None(UNKNOWN),
        None => ReadOnly(UNKNOWN),
    };
    FeatureSupport {
        feature: feature.to_owned(),
        readable: !matches!(support, Support::None(_)),
        writable: matches!(support, Full),
        reason: match support {
            Full => None,
            ReadOnly(reason) | Support::None(reason) => Some(format!("{reason}.")),
        },
    }
}

const fn reader(name: &'static str, support: Support) -> Feature {
    Feature {
        name,
        binds_readers: true,
        support,
    }
}

const fn writer(name: &'static str, support: Support) -> Feature {
    Feature {
        name,
        binds_readers: false,
        support,
    }
}
