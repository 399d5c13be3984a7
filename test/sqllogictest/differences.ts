/** Answers that are others than those of DataFusion's runner, and why. */

interface Difference {
  readonly reason: string;
  /** What the statement says, or what came of it. */
  readonly sign: RegExp;
}

const differences: readonly Difference[] = [
  {
    reason: "dictionaries and runs are sent as plain values, so that a column has another type than in the plan",
    sign: /columns mismatch.*(Dictionary\(|dict|sensor_id|ree_)/s,
  },
  {
    reason: "lists of dates and times are not made by range and generate_series, whose size can't be told before",
    sign: /Lists of dates and times aren't made/,
  },
  { reason: "a constant of more than 64 KiB is refused before it is made", sign: /would make \d+ bytes at once/ },
  {
    reason: "a session has a zone here, UTC, and none there: what is made of the type or of the local time differs",
    sign: /arrow_typeof\(DATE_BIN|arrow_typeof\(to_timestamp\(1\)\) =|arrow_cast\((to_timestamp|'2024-01-01T00:00:00Z'::timestamptz)/,
  },
  {
    reason:
      "integers are added and multiplied by functions that fail on overflow, which the planner doesn't see through",
    sign: /checked_add|NTH_VALUE\(v2, v2\*null\)/,
  },
  { reason: "-> and ->> look into lists, which DataFusion's operators don't", sign: /make_array\(1,2,3\) ->/ },
  { reason: "a function can't be dropped", sign: /expected to fail.*select abs\(-1\)/s },
  {
    reason: "rows that are equal in all that they are ordered by come in another order",
    sign: /grouping sets \(\(a, b\), \(a\), \(b\)\) order by a, b/,
  },
  {
    reason: "the file has the unordered rows of a join that only it turns on, under ORDER BY",
    sign: /ON t1\.t1_id <=? t2\.t2_id/,
  },
  {
    reason: "a literal has no name of its own in a view",
    sign: /arrow_field\(x\)/,
  },
  {
    reason: "DataFusion refuses its own plan: an order that the join's filter implies isn't recognised over Parquet",
    sign: /does not satisfy order requirements|issue_20194_t1 t1/,
  },
  {
    reason: "DataFusion's own defect, which its runner expects as an internal error",
    sign: /struct_allowed: unnest on struct/,
  },
];

export function differenceOf(sql: string, said: string): string | undefined {
  return differences.find(({ sign }) => sign.test(sql) || sign.test(said))?.reason;
}
