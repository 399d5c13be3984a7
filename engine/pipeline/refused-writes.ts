/** What is wrong with where the nodes of a pipeline are written. */
import type { NodeMaterializer, NodePlan } from "../../schemas/generated/index.js";
import { MutableRegistry } from "../registry.js";
import type { Faults } from "./faults.js";
import type { PlacedNode } from "./placed-node.js";

export function refuseWrites(nodes: readonly PlacedNode[], plans: readonly NodePlan[], faults: Faults): void {
  const columns = new Map(
    plans.map(({ name, is_planned, columns: found = [] }) => [name, is_planned ? found : undefined]),
  );
  const writers = new MutableRegistry<string, string>();
  for (const { definition, kind, pointer } of nodes) {
    const { name, materialize: to } = definition;
    if (to === undefined) continue;
    const place = `${pointer}/materialize`;
    if (kind === "check" || kind === "parameter")
      faults.add(place, "materialize", `is of a ${kind}, which is not written`);
    refuseSecond(to, name, place, writers, faults);
    refuseKeys(to, place, faults);
    refuseUnknown(
      to,
      columns.get(name)?.map((column) => column.name),
      place,
      faults,
    );
  }
}

function refuseSecond(
  { table, file, format }: NodeMaterializer,
  name: string,
  place: string,
  writers: MutableRegistry<string, string>,
  faults: Faults,
): void {
  const target = table === undefined ? `the file ${file}.${format ?? "parquet"}` : `the table ${table}`;
  const first = writers.get(target);
  if (first !== undefined) faults.add(place, "uniqueItems", `writes ${target}, which '${first}' writes too`);
  else writers.register(target, name);
}

function refuseKeys({ table, mode, keys = [] }: NodeMaterializer, place: string, faults: Faults): void {
  const isMerge = table !== undefined && mode === "merge";
  if (isMerge && keys.length === 0) faults.add(`${place}/keys`, "required", "are required for a merge");
  if (!isMerge && keys.length > 0) faults.add(`${place}/keys`, "keys", "go with a merge into a table");
}

/** Where the columns are known. */
function refuseUnknown(to: NodeMaterializer, columns: string[] | undefined, place: string, faults: Faults): void {
  if (columns === undefined) return;
  for (const member of ["keys", "partition_columns"] as const) {
    for (const [index, column] of (to[member] ?? []).entries()) {
      if (!columns.includes(column))
        faults.add(`${place}/${member}/${index}`, "reference", `names no column: '${column}'`);
    }
  }
}
