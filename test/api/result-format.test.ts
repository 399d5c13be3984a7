/** Which format a client gets for what it accepts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resultFormat } from "../../api/result-format.js";

const arrow = "application/vnd.apache.arrow.stream";

const chosen: readonly [string | undefined, string][] = [
  [undefined, "json"],
  ["*/*", "json"],
  ["application/*", "json"],
  ["text/html", "json"],
  ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"],
  ["application/json; charset=utf-8", "json"],
  ["application/x-ndjson", "ndjson"],
  ["text/csv", "csv"],
  ["TEXT/CSV", "csv"],
  ["text/*", "csv"],
  [arrow, "arrow"],
  ["application/vnd.apache.parquet", "parquet"],
  ["application/vnd.msgpack", "msgpack"],
  [`text/csv;q=0.5, ${arrow};q=0.9`, "arrow"],
  [`text/csv;q=0.9, ${arrow};q=0.5`, "csv"],
  [`application/json;q=0, */*;q=0.1`, "ndjson"],
  [`image/png, ${arrow};q=0.1`, "arrow"],
];

describe("result format", () => {
  for (const [accept, format] of chosen) {
    it(`${accept} gives ${format}`, () => assert.equal(resultFormat({ accept }), format));
  }

  for (const accept of ["image/png", "text/csv;q=0", "nonsense"]) {
    it(`${accept} is refused`, () => {
      assert.throws(() => resultFormat({ accept }), { code: "not_acceptable", message: /arrow\.stream/ });
    });
  }
});
